// Node, in every way that changes what it lets us do, and every entry of the package.
import { node } from "../needs.mjs";

/** @import { Backend, Environment, Files, Kit, Limits } from "../types.js" */

/** @typedef {ReturnType<typeof node>} Node */
/**
 * @typedef {object} Program How Node is started, and with what.
 * @property {readonly string[]} args
 * @property {(kit: Kit) => Files} files
 *
 * @typedef {object} Special
 * @property {(kit: Kit, node: Node, major: string) => Promise<string>} run
 *
 * @typedef {{ name: string, way: string, entry?: string, backend?: Backend, since?: number } & (Program | Special)} Way
 */

const versions = { 20: "20.20.2", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" };
const WASM = "wasm-simd128";
const JS = "js";

/**
 * A way that runs this module with these flags.
 *
 * @param {(kit: Kit) => string} write
 * @param {readonly string[]} [flags]
 * @returns {Program}
 */
const main = (write, flags = []) => ({
  args: [...flags, "main.mjs"],
  files: (kit) => ({ "main.mjs": write(kit) }),
});

/**
 * @param {string} entry
 * @param {string[]} flags
 */
const imported = (entry, ...flags) => main((kit) => kit.main(entry), flags);

/**
 * ./slim, given its WebAssembly by these lines.
 *
 * @param {string} lines
 * @param {Limits} [limits]
 */
const slim = (lines, limits = {}) =>
  main(
    (kit) => `import { readFileSync } from "node:fs";
import * as rmsprop from "rmsprop-wasm/slim";
import { suite } from "./suite.js";
const address = import.meta.resolve("rmsprop-wasm/rmsprop.wasm");
${lines}
const report = suite(rmsprop, ${JSON.stringify(limits)});
${kit.print}`,
  );

/** ./iife in a context of its own, which has nothing but the language and perhaps WebAssembly. */
const context = (/** @type {object} */ settings) =>
  main(
    (kit) => `import { readFileSync } from "node:fs";
import vm from "node:vm";
const context = vm.createContext({}, ${JSON.stringify(settings)});
for (const file of ["${kit.file("./iife")}", "suite.iife.js"])
  vm.runInContext(readFileSync(file, "utf8"), context);
const report = JSON.parse(vm.runInContext("JSON.stringify(suite(rmspropWasm))", context));
${kit.print}`,
  );

/** @type {readonly Way[]} */
const ways = [
  { name: "import", way: "import", ...imported(".") },
  {
    name: "require",
    way: "require()",
    args: ["main.cjs"],
    files: (kit) => ({
      "main.cjs": `const rmsprop = require("rmsprop-wasm");
const report = require("./suite.js").suite(rmsprop);
${kit.print}`,
    }),
  },
  {
    name: "worker",
    way: "worker_threads",
    args: ["main.mjs"],
    files: (kit) => ({
      "main.mjs":
        'import { Worker } from "node:worker_threads";\nnew Worker(new URL("worker.mjs", import.meta.url));\n',
      "worker.mjs": kit.main("."),
    }),
  },
  {
    // Not even its own files can be read: the bundle comes by standard input.
    name: "permission",
    way: "--permission, bundled",
    async run(kit, { command }, major) {
      const folder = await kit.folder();
      const input = await kit.bundle(folder, kit.main("."));
      const flag = major === "20" ? "--experimental-permission" : "--permission";
      return kit.execute(command, [flag, "--input-type=module"], { cwd: folder, input });
    },
  },
  { name: "no-simd", way: "--no-enable-sse4-1 (no SIMD)", backend: JS, ...imported(".", "--no-enable-sse4-1") },
  { name: "jitless", way: "--jitless (no WebAssembly)", backend: JS, ...imported(".", "--jitless") },
  { name: "vm", way: "vm, bare context", entry: "./iife", ...context({}) },
  {
    name: "vm-no-codegen",
    way: "vm, code generation off",
    entry: "./iife",
    backend: JS,
    ...context({ codeGeneration: { strings: false, wasm: false } }),
  },
  { name: "wasm-only", way: "import", entry: "./wasm-only", ...imported("./wasm-only") },
  { name: "js", way: "import", entry: "./js", backend: JS, ...imported("./js") },
  {
    name: "slim-bytes",
    way: "initSync(bytes)",
    entry: "./slim",
    ...slim("rmsprop.initSync(readFileSync(new URL(address)));"),
  },
  { name: "slim-url", way: "init(URL)", entry: "./slim", ...slim("await rmsprop.init(new URL(address));") },
  {
    name: "slim-module",
    way: "init(promise of a module)",
    entry: "./slim",
    ...slim("await rmsprop.init(WebAssembly.compile(readFileSync(new URL(address))));"),
  },
  {
    name: "slim-source",
    way: "import source",
    entry: "./slim",
    since: 24,
    ...slim('import source wasm from "rmsprop-wasm/rmsprop.wasm";\nrmsprop.initSync(wasm);'),
  },
  {
    // Node 20 has it behind a flag.
    name: "slim-instance",
    way: "import * as instance",
    entry: "./slim",
    since: 22,
    ...slim('import * as wasm from "rmsprop-wasm/rmsprop.wasm";\nrmsprop.initSync(wasm);', { runtimes: 1 }),
  },
];

/** @type {readonly Environment[]} */
export const environments = Object.entries(versions).flatMap(([major, version]) => {
  const need = node(version);
  return ways
    .filter(({ since = 0 }) => Number(major) >= since)
    .map(({ name, way, entry = ".", backend = WASM, ...how }) => ({
      name: `node-${major}-${name}`,
      host: "Node",
      way,
      entry,
      backend,
      needs: [need],
      async run(kit) {
        const { command } = need;
        const report =
          "run" in how
            ? await how.run(kit, need, major)
            : await kit.execute(command, how.args, { cwd: await kit.folder(how.files(kit)) });
        const version = (await kit.execute(command, ["--version"])).trim().slice(1);
        return { version, report };
      },
    }));
});
