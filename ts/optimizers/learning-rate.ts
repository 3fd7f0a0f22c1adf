// What can be given as a learning rate, and its value at a step.

import type { Runtime } from "../memory/runtime.js";
import { LearningRateSchedule, type Schedule } from "../schedules/schedule.js";
import { finiteFloat32 } from "../support/checks.js";
import { StateError } from "../support/errors.js";
import { EVALUATE } from "../support/internal.js";
import { message, showReturned } from "../support/messages.js";

/** A learning rate: a number, a schedule, or a function of the step (the raw count of calls before this one). */
export type LearningRate = number | Schedule | ((step: number) => number);

/** `rate`, if it is one; a number is rounded to float32, as Keras stores it. */
export function checkedLearningRate(argument: string, rate: unknown): LearningRate {
  if (typeof rate === "number") return finiteFloat32(argument, rate);
  if (typeof rate === "function") return rate as (step: number) => number;
  // Arrays have an `at` too.
  const isList = Array.isArray(rate) || ArrayBuffer.isView(rate);
  if (typeof rate === "object" && rate !== null && !isList && typeof (rate as Schedule).at === "function") {
    return rate as Schedule;
  }
  throw new TypeError(message(argument, "a number, a schedule with `at(step)`, or a function of the step", rate));
}

function learningRateAt(rate: Exclude<LearningRate, number>, step: number, runtime: Runtime): number {
  // A subclass may have an `at` of its own.
  if (rate instanceof LearningRateSchedule && rate.at === LearningRateSchedule.prototype.at) {
    return rounded(rate, step, rate[EVALUATE](step, runtime));
  }
  const value = typeof rate === "function" ? rate(step) : rate.at(step);
  if (typeof value !== "number") {
    throw new TypeError(`The learning rate at step ${step} must be a number; received ${showReturned(value)}.`);
  }
  return rounded(rate, step, value);
}

/** The float32 learning rate at `step`. If it is a user's function, that may read the runtime, but not step or free. */
export function lockedLearningRateAt(rate: Exclude<LearningRate, number>, step: number, runtime: Runtime): number {
  runtime.assertUnlocked("A learning rate");
  runtime.locked = true;
  try {
    return learningRateAt(rate, step, runtime);
  } finally {
    runtime.locked = false;
  }
}

/** The `value` of a rate at a step, in float32. Its name in messages is only made for an error: a step allocates nothing. */
function rounded(rate: LearningRate, step: number, value: number): number {
  if (Number.isFinite(Math.fround(value))) return Math.fround(value);
  const kind = rate instanceof LearningRateSchedule ? `${rate.constructor.name} ` : "";
  return finiteFloat32(`learningRate (${kind}at step ${step})`, value);
}

/** The rate that replaces `current`. As in Keras, a number cannot replace a schedule. */
export function replacedLearningRate(current: LearningRate, next: unknown): LearningRate {
  const rate = checkedLearningRate("learningRate", next);
  if (typeof rate === "number" && typeof current !== "number") {
    throw new StateError(
      "The learning rate is a schedule or a function, so it cannot be set to a number; set another schedule or function.",
    );
  }
  return rate;
}
