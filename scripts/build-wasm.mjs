// Builds the crate in its two machine forms: build/wasm/rmsprop.wasm (SIMD128), and build/wasm/rmsprop.fallback.js (plain
// JavaScript, made from a scalar build). Both have exactly the crate's own exports and need no imports.
// And the first with the functions for several threads, build/wasm/rmsprop.threads.wasm, whose memory is imported.
// Also writes ts/generated/kernel.ts and thread-exports.ts, the types of those exports.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import wasm from "binaryen";
import { kernelExports, kernelInterface, threadsInterface } from "./kernel-exports.mjs";
import { withSharedMemory } from "./shared-memory.mjs";
import { environment, root } from "./tools.mjs";

const build = (...names) => join(root, "build", ...names);

const execute = promisify(execFile);

async function run(command, args, env = process.env) {
  try {
    await execute(command, args, { cwd: root, env });
  } catch ({ message, stdout, stderr }) {
    throw new Error([message, stdout, stderr].join("\n"));
  }
}

/** binaryen from npm, run by this Node: a wasm-opt that happens to be on the machine may be years older. */
const binaryen = (name, ...args) =>
  run(process.execPath, [join(root, "node_modules", "binaryen", "bin", name), ...args]);

/** The features that every engine of the last years has, and that may appear in the shipped module. */
const baseline = [
  "--enable-bulk-memory",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
];
const simd = "--enable-simd";
/** What wasm-bindgen's output uses until its unused parts are dropped. */
const bindgen = ["--enable-multivalue", "--enable-reference-types"];

/**
 * Two registers in each turn of a vectorized loop, as compilers do for other processors: what surrounds the arithmetic counts
 * half. Four are slower.
 */
const interleave = "-Cllvm-args=-force-vector-interleave=2";

/** Loops of unknown length are not written out eight times: they would be larger, and no faster. */
const rolled = "-Cllvm-args=-unroll-runtime=false";

/** wasm-pack: the crate as build/pkg-<form>/rmsprop_bg.wasm. */
function compile(form, flags, ...args) {
  // Own flags and an own target folder per form. The environment's RUSTFLAGS would silently replace the +simd128 of
  // .cargo/config.toml, so they are always set here.
  const env = { ...environment(flags), CARGO_TARGET_DIR: join(root, "target", form) };
  const output = ["--out-dir", build(`pkg-${form}`), "--out-name", "rmsprop"];
  return run(
    "wasm-pack",
    ["build", "crate", "--mode", "no-install", "--target", "web", "--no-pack", ...output, ...args],
    env,
  );
}

/** Drops every export that is not ours, and with wasm-bindgen's own ones the only imports. */
async function keepExports(form, names, ...features) {
  const graph = build(`exports.${form}.json`);
  const nodes = names.map((name) => ({ name, export: name }));
  writeFileSync(graph, JSON.stringify([{ name: "host", root: true, reaches: names }, ...nodes]));
  const [from, to] = [build(`pkg-${form}`, "rmsprop_bg.wasm"), build(`${form}.wasm`)];
  await binaryen("wasm-metadce", "-g", ...baseline, ...bindgen, ...features, "--graph-file", graph, from, "-o", to);
  dropPanics(to);
  return to;
}

/**
 * Makes a trap of each function that begins a panic: what it would do before the trap, and what each place that calls it
 * passes for a message, nobody can see. Names are `core[<hash>]::…` or `core::…::h<hash>`: none of ours begins so.
 */
function dropPanics(path) {
  const begins =
    /^(core|alloc)\b.*(::panicking::|::panic_\w+$|::\w+_fail(::\w+)?$|::(handle_error|capacity_overflow|handle_alloc_error)\b)/;
  const module = wasm.readBinary(readFileSync(path));
  const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => module.getFunctionByIndex(i));
  const panics = functions.filter((each) => begins.test(wasm.getFunctionInfo(each).name));
  if (panics.length === 0) throw new Error("no panics found: are the functions still named?");
  for (const each of panics) wasm.Function.setBody(each, module.unreachable());
  wasm.setDebugInfo(true);
  writeFileSync(path, module.emitBinary());
  module.dispose();
}

/**
 * Functions of more than so many nodes are not put into their one caller: the loop over small tensors would hold the code of
 * everything that it might do. It would be slower, and a first step would have to wait for all of it to be compiled.
 *
 * Nothing lies in the first kilobyte: the stack grows down to it, and its 64 KiB are never full. So no address that a constant is
 * added to wraps around, and the constant becomes part of the access, of which LLVM is not sure. With all options on, a step has a
 * tenth fewer instructions.
 */
const optimize = ["-O3", "--one-caller-inline-max-function-size=150", "--low-memory-unused"];

const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];

async function finishSimd(names) {
  const module = await keepExports("simd", names, simd);
  await binaryen("wasm-opt", ...optimize, ...baseline, simd, ...strip, module, "-o", build("wasm", "rmsprop.wasm"));
}

async function finishThreads(names) {
  const module = await keepExports("threads", names, simd);
  const [optimized, text] = [build("threads.optimized.wasm"), build("threads.wat")];
  await binaryen("wasm-opt", ...optimize, ...baseline, simd, ...strip, module, "-o", optimized);
  await binaryen("wasm-dis", ...baseline, simd, optimized, "-o", text);
  const shared = withSharedMemory(readFileSync(text, "utf8"));
  writeFileSync(text, shared.text);
  await binaryen("wasm-as", ...baseline, simd, "--enable-threads", text, "-o", build("wasm", "rmsprop.threads.wasm"));
  return shared;
}

async function finishFallback(names) {
  const [lowered, script] = [build("scalar.lowered.wasm"), build("fallback.js")];
  const module = await keepExports("scalar", names);
  // wasm2js knows neither bulk memory nor the later conversions.
  const lower = ["--signext-lowering", "--llvm-nontrapping-fptoint-lowering", "--llvm-memory-copy-fill-lowering"];
  await binaryen("wasm-opt", "-O3", "--low-memory-unused", ...baseline, ...lower, ...strip, module, "-o", lowered);
  // --emscripten: one factory function, so that every runtime gets a memory of its own, instead of a module that is its
  // own only instance.
  await binaryen("wasm2js", "-O3", "--emscripten", lowered, "-o", script);

  let text = readFileSync(script, "utf8").trim();
  text = replaceOnce(text, "function instantiate(info)", "export default function instantiate()");
  text = replaceOnce(text, "return asmFunc(info);", "return asmFunc({});");
  // memory.grow answers a failure with -1. wasm2js lets ArrayBuffer throw, through the middle of the allocator, and says of
  // more than 4 GiB that they are there. Its addresses are signed, so 2 GiB are the end.
  const condition = "if ((oldPages < newPages) && (newPages < 65536)) {";
  text = replaceOnce(text, condition, `if (newPages < oldPages || newPages > 32767) return -1;\n  ${condition}`);
  const allocation = "var newBuffer = new ArrayBuffer(newPages << 16);";
  text = replaceOnce(text, allocation, `try { ${allocation} } catch { return -1; }`);
  // For the sake of C's errno, LLVM takes a root that is NaN once more.
  const again =
    /^( *(\$\w+) = Math_fround\(Math_sqrt\((\$\w+)\)\);\n) *if \(\2 != \2\) \{\n *\2 = Math_fround\(Math_sqrt\(\3\)\)\n *\}\n/gm;
  if (!again.test(text)) throw new Error("expected roots that are taken again");
  text = text.replace(again, "$1");
  writeFileSync(build("wasm", "rmsprop.fallback.js"), text);
}

/** Replaces a piece of generated text, and stops the build when a newer tool no longer writes it. */
function replaceOnce(text, from, to) {
  if (text.split(from).length !== 2) throw new Error(`expected once: ${from}`);
  return text.replace(from, () => to);
}

mkdirSync(build("wasm"), { recursive: true });
const vectors = ["-Ctarget-feature=+simd128", interleave, rolled];
await Promise.all([
  compile("simd", vectors),
  compile("scalar", ["-Ctarget-feature=-simd128", rolled]),
  compile("threads", vectors, "--features", "threads"),
]);
const functions = kernelExports("simd");
const own = (name) => !functions.some((kernel) => kernel.name === name);
const ofThreads = kernelExports("threads").filter(({ name }) => own(name));
const generated = (name) => join(root, "ts", "generated", name);
writeFileSync(generated("kernel.ts"), kernelInterface(functions));
const names = ["memory", ...functions.map(({ name }) => name)];
const [{ initialPages }] = await Promise.all([
  finishThreads([...names, ...ofThreads.map(({ name }) => name)]),
  finishSimd(names),
  finishFallback(names),
]);
writeFileSync(generated("thread-exports.ts"), threadsInterface(ofThreads, initialPages));
