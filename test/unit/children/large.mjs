// Saves and loads a checkpoint beyond 2 GiB, and says how much memory that took beside its bytes.
import { statSync } from "node:fs";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";
import { collect } from "./collect.mjs";

const [path] = process.argv.slice(2);

// A small checkpoint with an array that makes it large: what is kept beside it is the helpers' alone.
const w = new Variable([1, 2], { path: "w" });
const optimizer = new RMSprop();
optimizer.build([w]);
const filling = new Uint8Array(2 ** 31 + 12_345);
filling[filling.length - 1] = 7;
/** @type {Uint8Array | undefined} */
let bytes = save(optimizer, { arrays: { filling } });
const size = bytes.length;

const before = process.memoryUsage.rss();
await writeCheckpoint(path, bytes);
const written = process.memoryUsage.rss();
if (statSync(path).size !== size) throw new Error("The file has another size.");

// What is read takes the place of what was written.
const ends = [bytes.slice(0, 4096), bytes.slice(-4096)];
bytes = undefined;
collect();
const stored = await readCheckpoint(path);
if (stored?.length !== size) throw new Error("Other bytes were read.");
for (const [end, part] of [
  [ends[0], stored.subarray(0, 4096)],
  [ends[1], stored.subarray(-4096)],
]) {
  if (Buffer.compare(end, part) !== 0) throw new Error("Other bytes were read.");
}

w.value.fill(0);
// The array would be copied: a damaged checksum is found before that, an intact one by what was read.
const altered = stored[size - 5];
stored[size - 5] ^= 1;
let found = false;
try {
  load(stored, optimizer);
} catch (error) {
  found = error instanceof Error && error.name === "CheckpointError";
}
if (!found) throw new Error("An altered byte was not found.");
stored[size - 5] = altered;
const { arrays } = load(stored, optimizer);
if (arrays.filling[filling.length - 1] !== 7 || w.value[1] !== 2) throw new Error("Something else was loaded.");
console.log(JSON.stringify({ size, beside: Math.max(written - before, 0) }));
