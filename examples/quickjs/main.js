// The host: gives a plug-in an engine of its own, without WebAssembly, files or network, and prints what it learned.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { getQuickJS } from "quickjs-emscripten";

const read = (file) => readFileSync(file, "utf8");
const runtime = (await getQuickJS()).newRuntime();
runtime.setMemoryLimit(64 * 1024 * 1024);
const context = runtime.newContext();
const evaluate = (code) => context.dump(context.unwrapResult(context.evalCode(code)));

// One script with everything inside; it declares the global rmspropWasm.
evaluate(read(createRequire(import.meta.url).resolve("rmsprop-wasm/iife")));
evaluate(read(new URL("plugin.js", import.meta.url)));
const samples = Array.from({ length: 32 }, (_, i) => ({ x: i / 16 - 1, y: 3 * (i / 16 - 1) - 2 }));
console.log(evaluate(`fit(${JSON.stringify(samples)})`));
