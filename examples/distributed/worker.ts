// A worker, in a process or on a page: it computes the gradients of units for as long as the run goes on.

import { type Log, type Unit, work } from "rmsprop-wasm/distributed";
import type { Digits } from "./digits.js";

/** The function that computes a unit's gradients. */
export const computing =
  (digits: Digits) =>
  ({ unit, values, gradients }: Unit): void =>
    digits.computeGradients(unit, values, gradients as Record<string, Float32Array>);

export async function workOn(log: Log, digits: Digits, say: (text: string) => void): Promise<void> {
  const compute = computing(digits);
  let count = 0;
  const appended = await work(
    log,
    (unit) => {
      compute(unit);
      count += 1;
      if (count % 500 === 0) say(`${count} units computed`);
    },
    { patience: 1000 },
  );
  say(`${appended} gradients appended`);
}
