// Proves what the package promises about its module: no imports, only the exports that the crate declares, SIMD where it is
// shipped and none where it became JavaScript, the same bytes inside index.js, no path of the build machine.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { decode } from "../build/ts/kernel/load-wasm-module.js";
import { kernelExports } from "./kernel-exports.mjs";
import { root } from "./tools.mjs";

/** @param {string} name */
const path = (name) => join(root, name);
const intended = ["memory", ...kernelExports("simd").map(({ name }) => name)].sort();
let failures = 0;

/**
 * @param {string} what
 * @param {boolean} holds
 */
function check(what, holds, detail = "") {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}${holds ? "" : `: ${detail}`}`);
  if (!holds) failures += 1;
}

/**
 * @param {string} name
 * @param {string[]} exported
 */
function checkExports(name, exported, wanted = intended) {
  const [expected, found] = [wanted.join(" "), exported.sort().join(" ")];
  check(`${name} has exactly the ${wanted.length} intended exports`, expected === found, `\n${expected}\n${found}`);
}

/**
 * The instructions of a module, as text.
 *
 * @param {string} name
 */
function disassemble(name) {
  const tool = path("node_modules/binaryen/bin/wasm-dis");
  return execFileSync(process.execPath, [tool, path(name)], { encoding: "utf8", maxBuffer: 1 << 28 });
}

const modules = { simd: "dist/rmsprop.wasm", scalar: "build/scalar.lowered.wasm" };
for (const name of Object.values(modules)) {
  const module = new WebAssembly.Module(readFileSync(path(name)));
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  check(`${name} has no imports`, imports.length === 0, imports.join(" "));
  const exported = WebAssembly.Module.exports(module).map((entry) => entry.name);
  checkExports(name, exported);
}

const threads = "build/wasm/rmsprop.threads.wasm";
const module = new WebAssembly.Module(readFileSync(path(threads)));
const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
check(`${threads} imports its memory and nothing else`, imports.join(" ") === "env.memory", imports.join(" "));
const ownExports = ["memory_initialize", "stack_set"];
checkExports(
  threads,
  WebAssembly.Module.exports(module).map((entry) => entry.name),
  ["memory", ...kernelExports("threads").map(({ name }) => name), ...ownExports].sort(),
);
// Active data would overwrite what the other instances have done.
const text = disassemble(threads);
const active = text.match(/\(data \$\S+ \((?:i32\.const|offset)|^ \(start\b/gm) ?? [];
check(`${threads} has passive data and no start function`, active.length === 0, active.join(" "));

const instructions = disassemble(modules.simd);
const scalar = disassemble(modules.scalar);
// `--low-memory-unused` assumes that only the stack is below the data, and that it begins at 64 KiB.
for (const [name, code] of Object.entries({ simd: instructions, scalar, threads: text })) {
  /** @param {RegExp} pattern */
  const numbers = (pattern) => Array.from(code.matchAll(pattern), ([, digits]) => Number(digits));
  const [stack] = numbers(/\(global \S+ \(mut i32\) \(i32\.const (\d+)\)\)/g);
  const data = numbers(/\(data \S+ \(i32\.const (\d+)\)/g);
  const isBelow = stack === 65536 && data.every((address) => address >= stack);
  check(`${name}: nothing but the stack is in the first 64 KiB`, isBelow, `stack from ${stack}, data at ${data}`);
}
const vectors = instructions.match(/\bf32x4\.\w+/g) ?? [];
check(
  `${modules.simd} contains f32x4 instructions (${vectors.length})`,
  vectors.length > 0,
  "it was built without SIMD",
);
const relaxed = instructions.match(/\b\w+\.relaxed_\w+/g) ?? [];
check(`${modules.simd} contains no relaxed instruction`, relaxed.length === 0, relaxed.join(" "));
const strays = scalar.match(/\bv128\b|\b[if]\d+x\d+\.\w+/g) ?? [];
check(`${modules.scalar} contains no SIMD`, strays.length === 0, strays.slice(0, 5).join(" "));

const { default: instantiate } = await import(new URL("../build/wasm/rmsprop.fallback.js", import.meta.url).href);
checkExports("the fallback", Object.keys(instantiate()));

const bytes = readFileSync(path(modules.simd));
const scripts = readdirSync(path("dist"), { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".js"));
/** @param {string} name */
const scriptOf = (name) => readFileSync(path(`dist/${name}`), "utf8");
/**
 * The modules inside a script: it has no other text of 10 kB.
 *
 * @param {string} name
 */
const modulesIn = (name) => Array.from(scriptOf(name).matchAll(/"([^"'`\\$<]{9999,})"/g), ([, text]) => decode(text));
const inlined = scripts.filter((name) => name !== "threads.js" && modulesIn(name).length > 0);
const others = inlined.filter((name) => modulesIn(name).some((module) => !bytes.equals(module)));
check(
  `${inlined.length} scripts inline that module, none another`,
  inlined.length > 0 && !others.length,
  others.join(" "),
);
check(
  "threads.js inlines the module for several threads",
  modulesIn("threads.js").some((module) => readFileSync(path(threads)).equals(module)),
);
const strict = scripts.filter((name) => /^(js|slim|workerd)\b/.test(name) && inlined.includes(name));
check("js, slim and workerd inline none", strict.length === 0, strict.join(" "));

const latin1 = bytes.toString("latin1");
const paths = [homedir(), root, ".cargo/registry"].filter((machine) => latin1.includes(machine));
check(`${modules.simd} names no path of this machine`, paths.length === 0, paths.join(" "));

process.exitCode = failures === 0 ? 0 : 1;
const texts = latin1.match(/[\w/]+\.rs\b|out of bounds|out of range|already borrowed/g) ?? [];
check(`${modules.simd} holds no texts of panics`, texts.length === 0, texts.join(" "));
