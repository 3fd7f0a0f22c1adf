// Trains and saves after each step until it is killed; prints the number of each step that is safe on the disk.
// Whoever started it may have been killed before: it goes on from the last checkpoint.
import { readFileSync } from "node:fs";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";
import { initSync, RMSprop, Variable } from "rmsprop-wasm/slim";

// The entry that starts fastest: this is done hundreds of times.
initSync(readFileSync(new URL(import.meta.resolve("rmsprop-wasm/rmsprop.wasm"))));

const [path, size] = process.argv.slice(2);
const w = new Variable(new Float32Array(Number(size)).fill(1), { name: "w" });
const optimizer = new RMSprop({ momentum: 0.9, learningRate: 0.01, name: "optimizer" });
optimizer.build([w]);
const bytes = await readCheckpoint(path);
if (bytes) load(bytes, optimizer);
process.stdout.write(`from ${optimizer.rawIterations}\n`);
while (optimizer.rawIterations < 1e6) {
  w.gradient.fill(Math.fround(((optimizer.rawIterations % 7) - 3) / 8));
  optimizer.step();
  await writeCheckpoint(path, save(optimizer));
  process.stdout.write(`saved ${optimizer.rawIterations}\n`);
}
