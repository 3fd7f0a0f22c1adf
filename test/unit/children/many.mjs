// A thousand optimizers alive at once, and two hundred runtimes made and dropped, in a process of its own:
// node --expose-gc many.mjs <entry>. Prints JSON: how many optimizers stepped right, how much the memory grew when the same was
// done again, the largest resident size of the process while runtimes were dropped, and how many of those are gone at its end.
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { runInThisContext } from "node:vm";
import { collect } from "./collect.mjs";

const [entry] = process.argv.slice(2);

/** @typedef {typeof import("rmsprop-wasm")} Package */

/** @returns {Promise<Package>} */
async function load() {
  const file = (/** @type {string} */ name) => readFileSync(new URL(import.meta.resolve(name)));
  if (entry === "rmsprop-wasm/iife") {
    runInThisContext(file(entry).toString());
    return /** @type {{ rmspropWasm: Package }} */ (/** @type {unknown} */ (globalThis)).rmspropWasm;
  }
  const namespace = await import(entry);
  namespace.initSync?.(file("rmsprop-wasm/rmsprop.wasm"));
  return namespace;
}

const { backend, createRuntime, RMSprop, Variable } = await load();

/** Bytes of the default runtime's memory. */
const witness = new Variable(0);
const bytes = () => witness.value.buffer.byteLength;

/**
 * How many of `count` optimizers, all alive at once, step as they would alone.
 *
 * @param {number} count
 */
function atOnce(count) {
  const pairs = Array.from({ length: count }, (_, i) => {
    const variable = new Variable(new Float32Array(100).fill(i));
    const optimizer = new RMSprop({ learningRate: 1, rho: 0, momentum: 0.5, useEma: true });
    optimizer.build([variable]);
    return { variable, optimizer };
  });
  for (const { variable, optimizer } of pairs) {
    variable.gradient.fill(3);
    optimizer.step();
  }
  // With rho 0 and next to no epsilon, the first step is the learning rate.
  const right = pairs.filter(
    ({ variable, optimizer }, i) => variable.value[99] === i - 1 && optimizer.iterations === 1,
  );
  for (const { variable, optimizer } of pairs) {
    optimizer.free();
    variable.free();
  }
  return right.length;
}

const right = atOnce(1000);
const once = bytes();
atOnce(1000);

// 4 MB each. Nothing is freed and the collector is not called: what is dropped must not pile up until there is no room.
let collected = 0;
const registry = new FinalizationRegistry(() => collected++);
const values = new Float32Array(2 ** 19).fill(1);
for (let i = 0; i < 200; i++) {
  const runtime = createRuntime();
  const variable = new Variable(values, { runtime });
  if (variable.value[2 ** 19 - 1] !== 1) throw new Error("the values did not arrive");
  registry.register(runtime, undefined);
}
const peak = process.resourceUsage().maxRSS * 1024;

for (let i = 0; i < 4; i++) {
  collect();
  await turn();
}
console.log(JSON.stringify({ backend: backend(), right, grown: bytes() - once, peak, collected }));
