// Drops variables and optimizers without freeing them, in a process of its own: node --expose-gc garbage.mjs <backend>.
// Prints JSON: the linear memory after each round of dropping. It stays, if what is garbage gives its memory back.

import { setImmediate as turn } from "node:timers/promises";
import { createRuntime, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { collect } from "./collect.mjs";

// Room for a few rounds, so that growth means a leak, and no view is detached by an honest one.
const runtime = createRuntime({ backend: /** @type {"wasm" | "js"} */ (process.argv[2]), initialBytes: 16e6 });
const kept = new Variable(new Float32Array(1000).fill(3), { runtime });
const keeper = new RMSprop({ momentum: 0.9 });
keeper.build([kept]);
kept.gradient.fill(1);

/**
 * 2 MB of variables and state, in the hands of nobody after it.
 *
 * @param {number} length
 */
function drop(length) {
  for (let i = 0; i < 100; i++) {
    /** @type {Variable} */
    const w = new Variable(new Float32Array(length), { runtime, constraint: (value) => value.fill(w.size) });
    const options = { momentum: 0.9, centered: true, useEma: true };
    const optimizer = i % 2 ? new RMSprop(options) : new LossScaleOptimizer(new RMSprop(options));
    optimizer.build([w]);
    optimizer.step();
    // What was freed must not be freed again when it is collected.
    if (i % 10 === 0) w.free();
    if (i % 15 === 0) optimizer.free();
  }
}

async function collectAll() {
  for (let i = 0; i < 4; i++) {
    collect();
    await turn();
  }
}

/**
 * A view whose variable nobody else holds: it must keep the memory under it.
 *
 * @type {Float32Array | undefined}
 */
let view;

const bytes = [];
for (let round = 0; round < 30; round++) {
  drop(1000);
  await collectAll();
  keeper.step();
  bytes.push(runtime.byteLength);
  if (round === 10) view = new Variable(new Float32Array(1000).fill(7), { runtime }).value;
}
if (!view) throw new Error("no view was made");
const wrong = view.findIndex((value) => value !== 7);
if (view.length !== 1000 || wrong >= 0)
  throw new Error(`memory under a live view was given away: ${view.length} ${wrong} ${view[wrong]} ${bytes.slice(9)}`);
const { value, gradient } = kept;
console.log(
  JSON.stringify({ bytes, steps: keeper.iterations, values: new Set(value).size, gradients: new Set(gradient).size }),
);
