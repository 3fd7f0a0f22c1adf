// StarlingMonkey: SpiderMonkey inside WebAssembly, the engine of components and of Fastly Compute. It has no WebAssembly.
import { node, npm } from "../needs.mjs";

/** @import { Environment } from "../types.js" */

const host = node("24.21.0");
const tools = npm({ "@bytecodealliance/componentize-js": "0.23.0", "@bytecodealliance/jco": "1.35.0" });

/** @type {readonly Environment[]} */
export const environments = [
  {
    name: "starlingmonkey",
    host: "StarlingMonkey",
    way: "componentize-js, run by jco",
    entry: "./iife",
    backend: "js",
    needs: [host, tools],
    async run(kit) {
      const drive = `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { componentize } from ${JSON.stringify(tools.url("@bytecodealliance/componentize-js"))};
import { transpile } from ${JSON.stringify(tools.url("@bytecodealliance/jco"))};
const files = ["${kit.file("./iife")}", "suite.iife.js"].map((file) => readFileSync(file, "utf8"));
const run = "export const run = () => JSON.stringify(suite(rmspropWasm));";
writeFileSync("component.js", [...files, run].join("\\n"));
const witWorld = "package local:test; world test { export run: func() -> string; }";
const disableFeatures = ["random", "clocks", "http", "fetch-event", "stdio"];
const { component } = await componentize({ sourcePath: "component.js", witWorld, disableFeatures });
const transpiled = await transpile(component, { name: "component" });
for (const [name, content] of Object.entries(transpiled.files)) {
  mkdirSync(dirname(join("out", name)), { recursive: true });
  writeFileSync(join("out", name), content);
}
const report = (await import(new URL("out/component.js", import.meta.url))).run();
${kit.print}`;
      const cwd = await kit.folder({ "drive.mjs": drive });
      const report = await kit.execute(host.command, ["drive.mjs"], { cwd });
      return { version: `componentize-js ${tools.version}`, report };
    },
  },
];
