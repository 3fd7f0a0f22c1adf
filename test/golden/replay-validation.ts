/** Replays one construction: what Keras accepts must be accepted, what it rejects must be a RangeError or TypeError. */

import { RMSprop } from "rmsprop-wasm";
import type { Config, ValidationCase } from "./format.js";
import { type Mismatch, Mismatches } from "./mismatch.js";
import { camelCase, makeLossScaleOptimizer, makeRMSprop, makeSchedule } from "./subject.js";

/** Where this package differs on purpose (docs/keras-differences.md). */
const DIFFERENT: readonly { kwargs: Config; result: ValidationCase["result"]; why: string }[] = [
  { kwargs: { gradient_accumulation_steps: 2.5 }, result: "error", why: "Keras never updates, or at odd times" },
  { kwargs: { learning_rate: 1 }, result: "ok", why: "JavaScript has no integer 1 beside the float 1.0" },
];

export function replayValidation(vector: ValidationCase): Mismatch[] {
  const found = new Mismatches();
  // A note is not an argument: it explains the case.
  const { note: _, ...kwargs } = vector.kwargs;
  const difference = DIFFERENT.find((known) => JSON.stringify(known.kwargs) === JSON.stringify(kwargs));
  const expected = difference?.result ?? vector.result;
  for (const byOptions of [true, false]) {
    const route = byOptions ? "options" : "fromConfig";
    const error = attempt(() => make(vector.target, kwargs, byOptions));
    found.equal(`${route}: result`, error === undefined ? "ok" : "error", expected);
    if (error !== undefined && expected === "ok") found.equal(`${route}: error`, String(error), "none");
    if (error !== undefined && expected === "error") checkError(route, error, kwargs, found);
  }
  return found.list;
}

/** The message names an argument of the case, as the user wrote it or as Keras does. */
function checkError(route: string, error: unknown, kwargs: Config, found: Mismatches): void {
  const isTyped = error instanceof RangeError || error instanceof TypeError;
  found.equal(`${route}: is a RangeError or TypeError`, isTyped || String(error), true);
  const { message } = error as Error;
  const named = Object.keys(kwargs).some((name) => message.includes(name) || message.includes(camelCase(name)));
  found.equal(`${route}: names an argument of ${Object.keys(kwargs).join(", ")}`, named || message, true);
}

function attempt(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

function make(target: string, kwargs: Config, byOptions: boolean): void {
  if (target === "RMSprop") {
    makeRMSprop(kwargs, byOptions).free();
  } else if (target === "LossScaleOptimizer") {
    makeLossScaleOptimizer(new RMSprop(), kwargs, byOptions).free();
  } else {
    makeSchedule(target, kwargs, byOptions);
  }
}
