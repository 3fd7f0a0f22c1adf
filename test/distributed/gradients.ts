// The gradient of a unit, as any worker in any engine computes it: plain arithmetic alone, so the bits are the same everywhere.
import type { Unit } from "rmsprop-wasm/distributed";
import { narrow } from "../half.js";

export type Dtype = "float32" | "float16" | "bfloat16";

/** What of a training its gradients follow from. */
export interface Gradients {
  readonly dtype: Dtype;
  /** In every which unit a gradient is infinite; 0 for never. */
  readonly infinite: number;
  /** In every which unit the second variable has no gradient; 0 for never. */
  readonly absent: number;
}

/** Some float in [-1, 1) that is the same in every process. */
export function noise(unit: number, i: number): number {
  let mixed = Math.imul(unit + 1, 0x9e3779b1) ^ Math.imul(i + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 31 - 1;
}

/** The gradient of a unit, as a worker fills it in. */
export function compute(training: Gradients, { unit, values, gradients, lossScale }: Omit<Unit, "signal">): void {
  Object.keys(values).forEach((path, i) => {
    const [value, gradient] = [values[path]!, gradients[path]!];
    if (i === 1 && training.absent > 0 && unit % training.absent === 0) {
      gradients[path] = null;
      return;
    }
    for (let k = 0; k < value.length; k++) {
      const isInfinite = i === 0 && training.infinite > 0 && unit % training.infinite === training.infinite - 1;
      const wanted = isInfinite ? Number.POSITIVE_INFINITY : Math.fround(value[k]! * 0.5 + noise(unit, 97 * i + k));
      const scaled = Math.fround(wanted * lossScale);
      gradient[k] = training.dtype === "float32" ? scaled : halfBits(training.dtype, scaled);
    }
  });
}

function halfBits(dtype: "float16" | "bfloat16", x: number): number {
  if (Number.isFinite(x)) return narrow(dtype, Math.max(-60_000, Math.min(60_000, x)));
  return dtype === "float16" ? 0x7c00 : 0x7f80;
}
