// A step under a dynamic loss scale where only the device knows whether it updates: it computes, then chooses.

import type { Arithmetic } from "./arithmetic.js";
import type { Coefficients } from "./coefficients.js";
import type { Form } from "./form.js";
import { type Arrays, average, step, type Updated } from "./rmsprop.js";

/** Arithmetic with a choice. */
export interface ConditionalArithmetic<T> extends Arithmetic<T> {
  /** `a` where the flag, which is one truth value, is set; else `b`. */
  where(flag: T, a: T, b: T): T;
}

/** What only the device knows of a call. */
export interface Flags<T> {
  /** All gradients are finite: the averages move. */
  readonly finite: T;
  /** The variables are updated: the gradients are finite, and enough of them were accumulated. */
  readonly updates: T;
  /** The averages overwrite the variables; not there if they never do. */
  readonly overwrites?: T | undefined;
}

/** One step on one variable; without its flag, a number stays as it was. */
export function conditionalStep<T>(
  x: ConditionalArithmetic<T>,
  form: Form,
  c: Coefficients<T>,
  flags: Flags<T>,
  old: Arrays<T>,
): Updated<T> {
  const made = Object.entries(step(x, form, c, { ...old, average: undefined })) as [keyof Updated<T>, T][];
  const chosen = made.map(([name, array]) => [name, x.where(flags.updates, array, old[name] as T)]);
  const { value: w, ...state } = Object.fromEntries(chosen) as Updated<T>;
  if (old.average === undefined) return { ...state, value: w };
  const e = conditionalAverage(x, c, flags, old.average, w);
  return { ...state, value: overwritten(x, flags, w, e), average: e };
}

/** The moving average of `w`. */
export function conditionalAverage<T>(
  x: ConditionalArithmetic<T>,
  c: Coefficients<T>,
  flags: Flags<T>,
  previous: T,
  w: T,
): T {
  return x.where(flags.finite, average(x, c, previous, w), previous);
}

/** The value after averages may have overwritten it. */
export function overwritten<T>(x: ConditionalArithmetic<T>, flags: Flags<T>, w: T, e: T): T {
  return flags.overwrites === undefined ? w : x.where(flags.overwrites, e, w);
}
