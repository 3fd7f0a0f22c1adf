// Makes and drops runtimes of two threads, one after the other, and frees none: node --expose-gc threads.mjs <count>.
// Prints JSON: how many had all their threads, and ends, although the workers of those not yet collected sleep on.
import { setImmediate as turn } from "node:timers/promises";
import { RMSprop, Variable } from "rmsprop-wasm";
import { createThreadedRuntime } from "rmsprop-wasm/threads";
import { collect } from "./collect.mjs";

async function make() {
  const runtime = await createThreadedRuntime({ threads: 2 });
  const w = new Variable(new Float32Array(70_000).fill(1), { runtime });
  const optimizer = new RMSprop();
  optimizer.build([w]);
  optimizer.step();
  return runtime.threads;
}

let made = 0;
let threads = 0;
for (let i = 0; i < Number(process.argv[2]); i++) {
  threads = await make();
  if (threads === 2) made += 1;
  collect();
  await turn();
}
console.log(JSON.stringify({ made, threads }));
