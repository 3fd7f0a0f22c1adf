// Which norms a step measures that no option needs.

import { checkedObject, option } from "../support/checks.js";
import { message } from "../support/messages.js";

/**
 * Norms that steps compute for `lastStep`, whether or not an option needs them.
 *
 * ```ts
 * optimizer.measure = { updateNorm: true };
 * optimizer.apply([[0]]);
 * optimizer.lastStep?.updateNorm; // 0
 * ```
 */
export interface Measure {
  /** The norm of the gradients, for one more pass over them. Default false. */
  readonly gradientNorm?: boolean | undefined;
  /** The norm of the change of the values: steps are about 3× slower, and a copy of the values is kept. Default false. */
  readonly updateNorm?: boolean | undefined;
}

/** A `Measure` with both of its members. */
export type CheckedMeasure = Readonly<Record<(typeof NORMS)[number], boolean>>;

/** What is measured unless `measure` says otherwise. */
export const NO_MEASURE: CheckedMeasure = Object.freeze({ gradientNorm: false, updateNorm: false });

const NORMS = ["gradientNorm", "updateNorm"] as const;

/** `measure` as a frozen copy, if it is one. */
export function checkedMeasure(measure: unknown): CheckedMeasure {
  if (measure === undefined) return NO_MEASURE;
  const given = checkedObject("measure", measure, NORMS);
  const [gradientNorm, updateNorm] = NORMS.map((norm) => {
    const value = option(given, norm) ?? false;
    if (typeof value !== "boolean") throw new TypeError(message(`measure.${norm}`, "true or false", value));
    return value;
  }) as [boolean, boolean];
  return Object.freeze({ gradientNorm, updateNorm });
}
