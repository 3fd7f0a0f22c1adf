// Sandboxes inside Node: another engine (QuickJS), hardened JavaScript (SES), documents (jsdom, happy-dom), Jest.
import { node, npm } from "../needs.mjs";

/** @import { Backend, Environment, Kit } from "../types.js" */

const host = node("24.21.0");
const quickjs = npm({ "quickjs-emscripten": "0.32.0" });
const ses = npm({ ses: "2.3.0" });
const jsdom = npm({ jsdom: "31.0.1" });
const happyDom = npm({ "happy-dom": "21.0.4" });
const jest = npm({ jest: "30.5.2" });
const WASM = "wasm-simd128";

/**
 * A sandbox that a script in a folder with the package sets up; `script` leaves the report, or its JSON, in `report`.
 *
 * @param {string} name
 * @param {ReturnType<typeof npm>} tool
 * @param {{ host: string, way: string, entry?: string, backend: Backend, script: (kit: Kit) => string }} way
 * @returns {Environment}
 */
const sandbox = (name, tool, { host: title, way, entry = "./iife", backend, script }) => ({
  name,
  host: title,
  way,
  entry,
  backend,
  needs: [host, tool],
  async run(kit) {
    const cwd = await kit.folder({
      "drive.mjs": `import { readFileSync } from "node:fs";
const read = (file) => readFileSync(file, "utf8");
const iife = read("${kit.file("./iife")}");
const suite = read("suite.iife.js");
${script(kit)}
${kit.print}`,
    });
    return { version: tool.version, report: await kit.execute(host.command, ["drive.mjs"], { cwd }) };
  },
});

// QuickJS: an interpreter inside WebAssembly, a hundred times slower. It has the memory for all of it.
const quick = (
  /** @type {string} */ script,
) => `import { getQuickJS } from ${JSON.stringify(quickjs.url("quickjs-emscripten"))};
const runtime = (await getQuickJS()).newRuntime();
runtime.setModuleLoader(read, (base, name) => new URL(name, "file:///" + base).pathname.slice(1));
const context = runtime.newContext();
const evaluate = (code, ...rest) => context.dump(context.unwrapResult(context.evalCode(code, ...rest)));
${script}`;

const compartment = (/** @type {string} */ endowments) => `await import(${JSON.stringify(ses.url("ses"))});
lockdown();
const compartment = new Compartment({ globals: ${endowments}, __options__: true });
compartment.evaluate(iife + ";globalThis.rmspropWasm = rmspropWasm");
compartment.evaluate(suite);
const report = compartment.evaluate("JSON.stringify(suite(rmspropWasm))");`;

/** @type {readonly Environment[]} */
export const environments = [
  sandbox("quickjs-esm", quickjs, {
    host: "QuickJS",
    way: "ES modules",
    entry: ".",
    backend: "js",
    script: (kit) =>
      quick(`const main = 'import * as rmsprop from "${kit.file(".")}";' +
  'import { suite } from "suite.js"; globalThis.report = JSON.stringify(suite(rmsprop));';
evaluate(main, "main.mjs", { type: "module" });
const report = evaluate("report");`),
  }),
  sandbox("quickjs-iife", quickjs, {
    host: "QuickJS",
    way: "script",
    backend: "js",
    script: () =>
      quick(`evaluate(iife);
evaluate(suite);
const report = evaluate("JSON.stringify(suite(rmspropWasm))");`),
  }),
  sandbox("ses", ses, {
    host: "SES",
    way: "Compartment with Float32Array, Float64Array and WebAssembly",
    backend: WASM,
    script: () => compartment("{ Float32Array, Float64Array, WebAssembly }"),
  }),
  sandbox("ses-js", ses, {
    host: "SES",
    way: "Compartment with Float32Array and Float64Array",
    backend: "js",
    script: () => compartment("{ Float32Array, Float64Array }"),
  }),
  sandbox("jsdom", jsdom, {
    host: "jsdom",
    way: "script",
    backend: WASM,
    script: () => `const { JSDOM } = await import(${JSON.stringify(jsdom.url("jsdom"))});
const { window } = new JSDOM("<!doctype html><body></body>", { runScripts: "dangerously" });
for (const text of [iife, suite, "window.report = JSON.stringify(suite(rmspropWasm))"]) {
  const script = window.document.createElement("script");
  script.textContent = text;
  window.document.body.append(script);
}
const { report } = window;`,
  }),
  sandbox("happy-dom", happyDom, {
    host: "happy-dom",
    way: "script",
    backend: WASM,
    script: () => `const { Window } = await import(${JSON.stringify(happyDom.url("happy-dom"))});
const window = new Window({ settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true } });
// It runs every script in a function: \`var\` declares no global.
for (const text of [iife + ";globalThis.rmspropWasm = rmspropWasm", suite, "globalThis.report = JSON.stringify(suite(rmspropWasm))"]) {
  const script = window.document.createElement("script");
  script.textContent = text;
  window.document.body.append(script);
}
const { report } = window;`,
  }),
  {
    name: "jest",
    host: "Jest",
    way: "--experimental-vm-modules",
    entry: ".",
    backend: WASM,
    needs: [host, jest],
    async run(kit) {
      const test = `import { expect, test } from "@jest/globals";
import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";
test("the suite", () => {
  const report = suite(rmsprop);
  expect(report.results.filter(({ ok }) => !ok)).toEqual([]);
  process.stdout.write(${JSON.stringify("\n")});
  ${kit.print.replace("console.log(", "process.stdout.write(")}
});`;
      const cwd = await kit.folder({ "suite.test.js": test });
      const args = [
        "--experimental-vm-modules",
        "--no-warnings",
        jest.path("jest", "bin", "jest.js"),
        "--rootDir",
        cwd,
        "--no-watchman",
        "--no-cache",
      ];
      return { version: jest.version, report: await kit.execute(host.command, args, { cwd }) };
    },
  },
];
