// Deno, without any permission, and Bun, also compiled to one file.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bun, deno } from "../needs.mjs";

/** @import { Backend, Environment, Kit, Limits, Variables } from "../types.js" */

/** @typedef {(kit: Kit) => string} Write */

const WASM = "wasm-simd128";

/**
 * A module that gives ./slim what this import declares as `wasm`.
 *
 * @param {string} declaration
 * @param {Limits} limits
 * @returns {Write}
 */
const slim = (declaration, limits) => (kit) =>
  `import ${declaration} from "./${kit.file("./rmsprop.wasm")}";
import * as rmsprop from "./${kit.file("./slim")}";
import { suite } from "./suite.js";
rmsprop.initSync(wasm);
const report = suite(rmsprop, ${JSON.stringify(limits)});
${kit.print}`;

/** Where checkpoints are written, in the folder of the environment. */
const FILE = "run.safetensors";

/**
 * @param {string} name
 * @param {string} way
 * @param {{ entry?: string, backend?: Backend, flags?: readonly string[], from?: string, write?: Write }} special
 * @returns {Environment}
 */
const denoWay = (name, way, { entry = ".", backend = WASM, flags = [], from, write }) => ({
  name: `deno-${name}`,
  host: "Deno",
  way,
  entry,
  backend,
  needs: [deno],
  async run(kit) {
    const main = write?.(kit) ?? kit.main(entry, from ?? `./${kit.file(entry)}`);
    const folder = await kit.folder({ "main.mjs": main });
    const env = { DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1", DENO_DIR: join(folder, ".deno") };
    const args = ["run", "--no-remote", "--node-modules-dir=manual", ...flags, "main.mjs"];
    const report = await kit.execute(deno.bin("deno"), args, { cwd: folder, env });
    return { version: deno.version, report };
  },
});

/**
 * @param {string} name
 * @param {string} way
 * @param {{ backend?: Backend, env?: Variables, main?: Write }} special
 * @returns {Environment}
 */
const bunWay = (name, way, { backend = WASM, env, main = (kit) => kit.main(".") }) => ({
  name: `bun-${name}`,
  host: "Bun",
  way,
  entry: ".",
  backend,
  needs: [bun],
  async run(kit) {
    const folder = await kit.folder({ "main.mjs": main(kit) });
    const report = await kit.execute(bun.bin("bun"), ["run", "main.mjs"], { cwd: folder, env });
    return { version: bun.version, report };
  },
});

/** @type {readonly Environment[]} */
export const environments = [
  denoWay("npm", "npm: specifier, no permissions", { from: "npm:rmsprop-wasm" }),
  denoWay("local", "local file, no permissions", {}),
  denoWay("jsr", "files of JSR, no permissions", {
    write: (kit) => kit.main(".", pathToFileURL(join(kit.root, "build/jsr/index.js")).href),
  }),
  denoWay("js", "local file, no permissions", { entry: "./js", backend: "js" }),
  denoWay("slim-source", "import source", { entry: "./slim", write: slim("source wasm", {}) }),
  denoWay("slim-instance", "import * as instance", { entry: "./slim", write: slim("* as wasm", { runtimes: 1 }) }),
  denoWay("no-simd", "no SIMD", { flags: ["--v8-flags=--no-enable-sse4-1"], backend: "js" }),
  denoWay("jitless", "--jitless (no WebAssembly)", { flags: ["--v8-flags=--jitless"], backend: "js" }),
  denoWay("storage", "checkpoints as files, --allow-read=. --allow-write=.", {
    entry: "./checkpoint/node",
    flags: ["--allow-read=.", "--allow-write=."],
    write: (kit) => kit.storing(FILE),
  }),
  bunWay("run", "run", {}),
  bunWay("storage", "checkpoints as files", { main: (kit) => kit.storing(FILE) }),
  bunWay("no-simd", "no SIMD", { env: { BUN_JSC_useWasmSIMD: "0" }, backend: "js" }),
  bunWay("no-wasm", "no WebAssembly", { env: { BUN_JSC_useWasm: "0" }, backend: "js" }),
  {
    name: "bun-compile",
    host: "Bun",
    way: "build --compile",
    entry: ".",
    backend: WASM,
    needs: [bun],
    async run(kit) {
      const folder = await kit.folder({ "main.mjs": kit.main(".") });
      await kit.execute(bun.bin("bun"), ["build", "--compile", "main.mjs", "--outfile", "app"], { cwd: folder });
      // Elsewhere, so that it can read nothing beside it.
      const report = await kit.execute(join(folder, "app"), [], { cwd: "/" });
      return { version: bun.version, report };
    },
  },
];
