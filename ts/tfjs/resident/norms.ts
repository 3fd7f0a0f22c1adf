// Norms of gradients and of updates as scalars on the device, and what clipping by norms makes of them.

import type { Hyperparameters } from "../../generated/hyperparameters.js";
import type { Coefficients } from "../../rule/coefficients.js";
import type { Form } from "../../rule/form.js";
import type { TensorLike } from "../tensorflow.js";
import { NO_NORMS, type StepRecord } from "./last-step.js";
import type { Operations } from "./operations.js";
import type { Write } from "./variables.js";

/** The norms of a step's gradients. */
export interface GradientNorms extends Pick<StepRecord, "gradientNorm" | "clipFactor"> {
  /** What the formula takes of clipping by norms for each gradient; `undefined` where that is off. */
  readonly clipping: readonly (TensorLike | undefined)[];
}

export const clipsByNorm = (clips: Form["clips"]): boolean => clips === "norm" || clips === "globalNorm";

/** The norms of gradients that are divided already; none if neither clipping nor `isMeasured` needs them. */
export function gradientNorms(
  x: Operations,
  by: Hyperparameters,
  clips: Form["clips"],
  c: Coefficients<TensorLike>,
  isMeasured: boolean,
  gradients: readonly TensorLike[],
): GradientNorms {
  const clipping = gradients.map(() => undefined);
  if (!clipsByNorm(clips) && !isMeasured) return { ...NO_NORMS, clipping };
  const sums = gradients.map((g) => squares(x, g));
  const gradientNorm = joint(x, sums);
  if (sums.length === 0) return { ...NO_NORMS, gradientNorm, clipping };
  if (clips === "norm") {
    // At least the threshold. What can be NaN comes first: see `Operations.clamp`.
    const divisors = sums.map((sum) => x.run("Maximum", { a: x.sqrt(sum), b: c.threshold }));
    const greatest = x.run("Max", { x: x.stack(divisors) }, { reductionIndices: [0], keepDims: false });
    return { gradientNorm, clipFactor: x.div(c.threshold, greatest), clipping: divisors };
  }
  if (clips === "globalNorm") {
    const clipFactor = globalFactor(x, by.globalClipnorm as number, gradientNorm);
    return { gradientNorm, clipFactor, clipping: gradients.map(() => clipFactor) };
  }
  return { ...NO_NORMS, gradientNorm, clipping };
}

/** What all gradients are multiplied with: c·min(1/n, 1/c) + (n - n), NaN for a joint norm n that is not finite. */
function globalFactor(x: Operations, threshold: number, n: TensorLike): TensorLike {
  const inverse = x.run("Minimum", { a: x.div(x.constant(1), n), b: x.constant(Math.fround(1 / threshold)) });
  return x.add(x.mul(x.constant(Math.fround(threshold)), inverse), x.sub(n, n));
}

/** The norm of the change of the values by what is to be written. */
export function updateNorm(x: Operations, writes: readonly Write[]): TensorLike {
  const sums = writes.flatMap(({ entry: { variable }, value }) =>
    variable && value ? [squares(x, x.sub(value, variable))] : [],
  );
  return joint(x, sums);
}

const squares = (x: Operations, a: TensorLike): TensorLike => x.sum(x.mul(a, a));

/** The L2 norm over all, of their sums of squares. */
function joint(x: Operations, sums: readonly TensorLike[]): TensorLike {
  const [first = x.constant(0)] = sums;
  return x.sqrt(sums.length > 1 ? x.sum(x.stack(sums)) : first);
}
