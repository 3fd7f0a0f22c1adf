// What only the device knows of a step under a dynamic loss scale, as one vector: a kernel has no binding for each.

import { type CoefficientName, type Coefficients, mapCoefficients } from "../../rule/coefficients.js";
import type { Flags } from "../../rule/conditional.js";

/** What each element is, in order. Flags are 1 or 0. */
export const CONTROLS = [
  "finite",
  "updates",
  "overwrites",
  "eta",
  "divisor",
  "emaMomentum",
  "oneMinusEmaMomentum",
] as const;

type Control = (typeof CONTROLS)[number];

export type Controls<T> = Readonly<Record<Control, T>>;

/** Flags and scalars as a kernel reads them: `element` of the vector, or what it has of the host's number. */
export function withControls<T>(
  coefficients: Coefficients,
  overwrites: boolean,
  element: (index: number) => T,
  scalar: (name: CoefficientName, number: number) => T,
): { readonly flags: Flags<T>; readonly scalars: Coefficients<T> } {
  const at = (name: Control) => element(CONTROLS.indexOf(name));
  const isControl = (name: string): name is Control => (CONTROLS as readonly string[]).includes(name);
  return {
    flags: {
      finite: at("finite"),
      updates: at("updates"),
      overwrites: overwrites ? at("overwrites") : undefined,
    },
    scalars: mapCoefficients(coefficients, (name, number) => (isControl(name) ? at(name) : scalar(name, number))),
  };
}
