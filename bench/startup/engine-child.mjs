// What of a cold start is the engine's: node --experimental-vm-modules engine-child.mjs ENTRY MODULE FILE…. Reads and parses
// the files of an entry, decodes (not for slim), compiles and instantiates the module, and calls for the first time what a first step calls of it.
import { readFileSync } from "node:fs";
import { SourceTextModule } from "node:vm";
import { decode } from "../../build/ts/kernel/load-wasm-module.js";
import { inlineText } from "../../scripts/inline-text.mjs";

const [, , entry, module, ...files] = process.argv;
const bytes = readFileSync(module);
const text = inlineText(bytes);

/** @type {Record<string, number>} */
const parts = {};
/**
 * @template T
 * @param {string} name
 * @param {() => T} work
 * @returns {T}
 */
function timed(name, work) {
  const begin = performance.now();
  const result = work();
  parts[name] = performance.now() - begin;
  return result;
}

// The first script of all readies the parser.
new SourceTextModule("export default null;");
const sources = timed("read", () => files.map((file) => readFileSync(file, "utf8")));
timed("parse", () => sources.map((source) => new SourceTextModule(source)));
if (entry !== "slim") timed("decode", () => decode(text));
const compiled = timed("compile", () => new WebAssembly.Module(bytes));
const instance = timed("instance", () => new WebAssembly.Instance(compiled, {}));
const kernel = /** @type {import("../../ts/generated/kernel.js").KernelExports} */ (
  /** @type {unknown} */ (instance.exports)
);
timed("calls", () => {
  const variable = kernel.variable_create(1, 0, 0);
  const optimizer = kernel.optimizer_create();
  kernel.optimizer_add(optimizer, variable);
  kernel.optimizer_build(optimizer);
  kernel.variable_value(variable);
  kernel.variable_gradient(variable);
  kernel.optimizer_step(optimizer, 0, 0.1, -1);
  kernel.optimizer_free(optimizer);
  kernel.variable_free(variable);
});
console.log(JSON.stringify(parts));
