// What making a large variable and its optimizer costs the process at its peak: footprint.mjs SOURCE, "an array" or "a view".
// The peak of the resident set counts every page that was ever touched: a temporary copy too, though it is garbage since.
import { readFileSync } from "node:fs";
import { createRuntime, RMSprop, Variable } from "rmsprop-wasm";

/** Bytes. On Linux, what getrusage calls the peak begins with that of the process which started this one. */
function peak() {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

const [, , source] = process.argv;
const size = 2 ** 24;
const array = 4 * size;

// Room for everything: a memory that grows is not what is measured here.
const runtime = createRuntime({ backend: "wasm", initialBytes: 6 * array });
const values = new Float32Array(size).fill(1);
const first = source === "a view" ? new Variable(values, { runtime }) : undefined;
const before = { peak: peak(), bytes: runtime.byteLength };
const variable = new Variable(first?.value ?? values, { runtime });
const made = peak();
const optimizer = new RMSprop();
optimizer.build([variable]);
optimizer.step();

console.log(
  JSON.stringify({
    grown: runtime.byteLength - before.bytes,
    // In arrays of this size.
    variable: (made - before.peak) / array,
    build: (peak() - made) / array,
    right: variable.value.every((value) => value === 1),
  }),
);
