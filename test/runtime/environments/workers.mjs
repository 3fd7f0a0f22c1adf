// Workers at the edge: workerd (Cloudflare), under miniflare, and Vercel's edge runtime.
import { node, npm } from "../needs.mjs";

/** @import { Backend, Environment, Files, Kit } from "../types.js" */

const host = node("24.21.0");
const miniflare = npm({ miniflare: "4.20260730.0" });
const workerd = npm({ workerd: "1.20261117.1" });
const edge = npm({ "@edge-runtime/vm": "5.0.0" });

/**
 * Both are driven from a process of their own.
 *
 * @param {Kit} kit
 * @param {Files} files
 */
async function drive(kit, files) {
  const text = await kit.execute(host.command, ["drive.mjs"], { cwd: await kit.folder(files) });
  return { version: /version: (.*)/.exec(text)?.[1] ?? "", report: kit.report(text) };
}

/**
 * @param {string} name
 * @param {string} way
 * @param {{ entry: string, backend: Backend, settings: string, script: (kit: Kit) => string }} how
 * @returns {Environment}
 */
const edgeRuntime = (name, way, { entry, backend, settings, script }) => ({
  name: `edge-runtime-${name}`,
  host: "edge-runtime",
  way,
  entry,
  backend,
  needs: [host, edge],
  run: (kit) =>
    drive(kit, {
      "drive.mjs": `import { readFileSync } from "node:fs";
import { EdgeVM } from ${JSON.stringify(edge.url("@edge-runtime/vm"))};
const vm = new EdgeVM(${settings});
${script(kit)}
vm.evaluate(readFileSync("suite.iife.js", "utf8"));
const report = JSON.parse(vm.evaluate("JSON.stringify(suite(rmspropWasm))"));
console.log("version: ${edge.version}");
${kit.print}`,
    }),
});

/** @param {Kit} kit */
const iife = (kit) => `vm.evaluate(readFileSync("${kit.file("./iife")}", "utf8"));`;

/** @type {readonly Environment[]} */
export const environments = [
  {
    name: "workerd",
    host: "workerd",
    way: "miniflare, static .wasm by the condition workerd",
    entry: ".",
    backend: "wasm-simd128",
    needs: [host, miniflare],
    async run(kit) {
      const folder = await kit.folder();
      const external = ["./rmsprop.wasm"];
      const worker = `import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";
export default { async fetch() { return Response.json(suite(rmsprop)); } };`;
      const contents = await kit.bundle(folder, worker, { conditions: ["workerd"], external });
      return drive(kit, {
        "worker.js": contents,
        "drive.mjs": `import { readFileSync } from "node:fs";
import { Miniflare } from ${JSON.stringify(miniflare.url("miniflare"))};
const file = (type, path, from) => ({ type, path, contents: readFileSync(from) });
const modules = [
  file("ESModule", "worker.js", "worker.js"),
  file("CompiledWasm", "rmsprop.wasm", "${kit.file("./rmsprop.wasm")}"),
];
const worker = new Miniflare({ compatibilityDate: "2026-01-01", modules });
const report = await (await worker.dispatchFetch("http://localhost/")).json();
await worker.dispose();
const { version } = JSON.parse(readFileSync(${JSON.stringify(miniflare.path("workerd", "package.json"))}));
console.log("version: " + version);
${kit.print}`,
      });
    },
  },
  {
    name: "workerd-test",
    host: "workerd",
    way: "workerd test, static .wasm by the condition workerd",
    entry: ".",
    backend: "wasm-simd128",
    needs: [workerd],
    async run(kit) {
      const worker = `import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";
export default { test() { const report = suite(rmsprop); ${kit.print} } };`;
      const code = await kit.bundle(await kit.folder(), worker, {
        conditions: ["workerd"],
        external: ["./rmsprop.wasm"],
      });
      const wasm = kit.file("./rmsprop.wasm");
      const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js"), (name = "rmsprop.wasm", wasm = embed "${wasm}")],
  compatibilityDate = "2026-01-01",
);`;
      const cwd = await kit.folder({ "worker.js": code, "config.capnp": config });
      const report = await kit.execute(workerd.bin("workerd"), ["test", "config.capnp"], { cwd });
      return { version: workerd.version, report };
    },
  },
  {
    name: "edge-runtime",
    host: "edge-runtime",
    way: "@edge-runtime/vm, by the condition edge-light",
    entry: ".",
    backend: "js",
    needs: [host, edge],
    async run(kit) {
      const folder = await kit.folder();
      const code = 'import * as rmspropWasm from "rmsprop-wasm";\nglobalThis.rmspropWasm = rmspropWasm;';
      const bundle = await kit.bundle(folder, code, { conditions: ["edge-light"], format: "iife" });
      const script = () => `vm.evaluate(${JSON.stringify(bundle)});`;
      return edgeRuntime("", "", { entry: ".", backend: "js", settings: "", script }).run(kit);
    },
  },
  edgeRuntime("iife", "@edge-runtime/vm", { entry: "./iife", backend: "wasm-simd128", settings: "", script: iife }),
  edgeRuntime("no-codegen", "@edge-runtime/vm, code generation off", {
    entry: "./iife",
    backend: "js",
    settings: "{ codeGeneration: { strings: false, wasm: false } }",
    script: iife,
  }),
];
