// A contestant in JavaScript behind the protocol: node --expose-gc serve.mjs MODULE [argument…].
// The module exports `prepare(...arguments)`, which gives `{ versions, make(model) }`; `make` gives
// `{ run(steps), values(), free() }`, or null for a model it does not support.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { parseSizes, samples } from "./data.mjs";

/** @import { Model, Prepared, Regime } from "../types.js" */

// Standard output is for answers: what libraries have to say goes to standard error.
console.log = console.info = console.warn = console.debug = console.error;

const [path, ...rest] = process.argv.slice(2);
/** @type {{ prepare: (...words: string[]) => Prepared | Promise<Prepared> }} */
const { prepare } = await import(pathToFileURL(path).href);
const { versions, make } = await prepare(...rest);
/** @type {Map<string, Model>} */
const models = new Map();

/** @param {string} name */
function model(name) {
  const found = models.get(name);
  if (!found) throw new Error(`no model ${name}`);
  return found;
}

/** Each with the words after it. @type {Readonly<Record<string, (...words: string[]) => string | Promise<string>>>} */
const commands = {
  async make(name, sizes, regime, ...options) {
    const numbers = Object.fromEntries(options.map((option) => option.split("=")).map(([key, n]) => [key, Number(n)]));
    const made = await make({ sizes: parseSizes(sizes), regime: /** @type {Regime} */ (regime), options: numbers });
    if (!made) return "unsupported";
    models.set(name, made);
    return "ok";
  },
  async run(name, steps) {
    const made = model(name);
    const started = process.hrtime.bigint();
    await made.run(Number(steps));
    return String(process.hrtime.bigint() - started);
  },
  values: async (name) => samples(await model(name).values()),
  free(name) {
    model(name).free();
    models.delete(name);
    // Models of the large workloads are hundreds of megabytes.
    globalThis.gc?.();
    return "ok";
  },
};

process.stdout.write(`ready ${versions}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(" ");
  try {
    process.stdout.write(`${await commands[command](...words)}\n`);
  } catch (error) {
    process.stdout.write(`error ${String((error instanceof Error && error.stack) || error).replaceAll("\n", " ")}\n`);
  }
}
// Libraries may keep workers.
process.exit(0);
