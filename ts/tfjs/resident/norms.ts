// Clipping by norms: what gradients are divided by, or multiplied with, as scalars on the device.

import type { Hyperparameters } from "../../generated/hyperparameters.js";
import type { Coefficients } from "../../rule/coefficients.js";
import type { Form } from "../../rule/form.js";
import type { TensorLike } from "../tensorflow.js";
import type { Operations } from "./operations.js";

/** What each gradient, multiplied by the threshold, is divided by: its norm, but at least the threshold. */
export function ownNorms(x: Operations, threshold: TensorLike, gradients: readonly TensorLike[]): TensorLike[] {
  // What can be NaN comes first: see `Operations.clamp`.
  return gradients.map((g) => x.run("Maximum", { a: x.sqrt(x.sum(x.mul(g, g))), b: threshold }));
}

/** What all gradients are multiplied with: c·min(1/n, 1/c) + (n - n), NaN for a joint norm n that is not finite. */
export function globalFactor(x: Operations, threshold: number, gradients: readonly TensorLike[]): TensorLike {
  const sums = gradients.map((g) => x.sum(x.mul(g, g)));
  const n = x.sqrt(sums.length === 1 ? (sums[0] as TensorLike) : x.sum(x.stack(sums)));
  const inverse = x.run("Minimum", { a: x.div(x.constant(1), n), b: x.constant(Math.fround(1 / threshold)) });
  return x.add(x.mul(x.constant(Math.fround(threshold)), inverse), x.sub(n, n));
}

/** What clipping by norms takes for each gradient; `undefined` where it is off. */
export function norms(
  x: Operations,
  by: Hyperparameters,
  clips: Form["clips"],
  c: Coefficients<TensorLike>,
  gradients: readonly TensorLike[],
): readonly (TensorLike | undefined)[] {
  if (clips === "norm") return ownNorms(x, c.threshold, gradients);
  if (clips !== "globalNorm" || gradients.length === 0) return gradients.map(() => undefined);
  const factor = globalFactor(x, by.globalClipnorm as number, gradients);
  return gradients.map(() => factor);
}
