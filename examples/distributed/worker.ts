// A worker, in a process or on a page: it computes the gradients of units for as long as the run goes on.

import { type Log, work } from "rmsprop-wasm/distributed";
import type { Digits } from "./digits.js";

export async function workOn(log: Log, digits: Digits, say: (text: string) => void): Promise<void> {
  let count = 0;
  const appended = await work(
    log,
    ({ unit, values, gradients }) => {
      digits.computeGradients(unit, values, gradients as Record<string, Float32Array>);
      count += 1;
      if (count % 500 === 0) say(`${count} units computed`);
    },
    { patience: 1000 },
  );
  say(`${appended} gradients appended`);
}
