// Builds the crate as both backends: build/wasm/rmsprop.wasm (SIMD128), and build/wasm/rmsprop.fallback.js (plain JavaScript,
// made from a scalar build). Both have exactly the crate's own exports and need no imports. build/wasm/rmsprop.threads.wasm is
// the first with the functions for several threads; it imports its memory. `--only simd` builds the first alone.
// Also writes ts/generated/kernel.ts and thread-exports.ts, the types of those exports.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import wasm from "binaryen";
import { kernelExports, kernelInterface, threadsInterface } from "./kernel-exports.mjs";
import { withoutPanicTexts } from "./panic-texts.mjs";
import { withSharedMemory } from "./shared-memory.mjs";
import { environment, root } from "./tools.mjs";

/** @param {string[]} names */
const build = (...names) => join(root, "build", ...names);

const execute = promisify(execFile);

/**
 * @param {string} command
 * @param {string[]} args
 */
async function run(command, args, env = process.env) {
  try {
    await execute(command, args, { cwd: root, env });
  } catch (error) {
    const { message, stdout, stderr } = /** @type {import("node:child_process").ExecFileException} */ (error);
    throw new Error([message, stdout, stderr].join("\n"));
  }
}

/**
 * binaryen from npm, run by this Node: a wasm-opt that happens to be on the machine may be years older.
 *
 * @param {string} name
 * @param {string[]} args
 */
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

/** Two registers per iteration of a vectorized loop, which halves the loop's own cost. Four are slower. */
const interleave = "-Cllvm-args=-force-vector-interleave=2";

/** Loops of unknown length are not unrolled eight times: they would be larger, and no faster. */
const rolled = "-Cllvm-args=-unroll-runtime=false";

/**
 * wasm-pack: the crate as build/pkg-<variant>/rmsprop_bg.wasm.
 *
 * @param {string} variant
 * @param {string[]} flags
 * @param {string[]} args
 */
function compile(variant, flags, ...args) {
  // Own flags and an own target folder per variant. The environment's RUSTFLAGS would silently replace the +simd128 of
  // .cargo/config.toml, so they are always set here.
  const env = { ...environment(flags), CARGO_TARGET_DIR: join(root, "target", variant) };
  const output = ["--out-dir", build(`pkg-${variant}`), "--out-name", "rmsprop"];
  return run(
    "wasm-pack",
    ["build", "crate", "--mode", "no-install", "--target", "web", "--no-pack", ...output, ...args],
    env,
  );
}

/**
 * Drops every export that is not ours. wasm-bindgen's own exports are all that needs imports, so those go too.
 *
 * @param {string} variant
 * @param {string[]} names
 * @param {string[]} features
 */
async function keepExports(variant, names, ...features) {
  const graph = build(`exports.${variant}.json`);
  const nodes = names.map((name) => ({ name, export: name }));
  writeFileSync(graph, JSON.stringify([{ name: "host", root: true, reaches: names }, ...nodes]));
  const [from, to] = [build(`pkg-${variant}`, "rmsprop_bg.wasm"), build(`${variant}.wasm`)];
  await binaryen("wasm-metadce", "-g", ...baseline, ...bindgen, ...features, "--graph-file", graph, from, "-o", to);
  replaceBodies(to);
  return to;
}

/**
 * Replaces functions that can be shorter than the compiler knows. Those that begin a panic become a trap: nobody can see the
 * message that they would write first, or what their callers pass for it. Their names are `core[<hash>]::…` or
 * `core::…::h<hash>`; none of ours begins like that. Those of libm become the instruction that has the same bits, for which libm
 * itself needs a nightly compiler: 0.5 kB of gzip.
 *
 * @param {string} path
 */
function replaceBodies(path) {
  const begins =
    /^(core|alloc)\b.*(::panicking::|::panic_\w+$|::\w+_fail(::\w+)?$|::(handle_error|capacity_overflow|handle_alloc_error)\b)/;
  const module = wasm.readBinary(readFileSync(path));
  const { f32, f64, local } = module;
  const instructions = new Map([
    ["sqrt::sqrt", () => f64.sqrt(local.get(0, wasm.f64))],
    ["ceil::ceilf", () => f32.ceil(local.get(0, wasm.f32))],
    ["floor::floorf", () => f32.floor(local.get(0, wasm.f32))],
  ]);
  // binaryen declares it as a property of modules, which it is not.
  const functionsOf = /** @type {Pick<InstanceType<typeof wasm.Module>, "Function">} */ (/** @type {unknown} */ (wasm))
    .Function;
  let panics = 0;
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const each = module.getFunctionByIndex(i);
    const { name } = wasm.getFunctionInfo(each);
    const [, called = ""] = name.match(/^libm\b.*?(\w+::\w+)(::h\w+)?$/) ?? [];
    const instruction = instructions.get(called);
    if (instruction) {
      functionsOf.setBody(each, instruction());
      instructions.delete(called);
    } else if (begins.test(name)) {
      functionsOf.setBody(each, module.unreachable());
      panics++;
    }
  }
  if (panics === 0 || instructions.size > 0)
    throw new Error("functions to replace were not found: are they still named?");
  wasm.setDebugInfo(true);
  writeFileSync(path, module.emitBinary());
  module.dispose();
}

/**
 * Functions of more than 150 nodes are not inlined into their one caller: the loop over small tensors would hold the code of
 * everything that it might do, run slower, and make the first step wait until all of it is compiled.
 *
 * Low memory is unused: the stack grows down to it, and its 64 KiB are never full. So an address plus a small constant never
 * wraps around, and the constant becomes part of the access, which LLVM does not dare. With all options on, a step has a tenth
 * fewer instructions.
 */
const optimize = ["-O3", "--one-caller-inline-max-function-size=150", "--low-memory-unused"];

/**
 * Takes the texts of panics out of an optimized module.
 *
 * @param {string} path
 * @param {string[]} features
 */
async function dropPanicTexts(path, ...features) {
  const text = `${path}.wat`;
  await binaryen("wasm-dis", ...baseline, ...features, path, "-o", text);
  writeFileSync(path, withoutPanicTexts(readFileSync(path), readFileSync(text, "utf8")));
  rmSync(text);
}

const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];

/** @param {string[]} names */
async function finishSimd(names) {
  const module = await keepExports("simd", names, simd);
  const optimized = build("wasm", "rmsprop.wasm");
  await binaryen("wasm-opt", ...optimize, ...baseline, simd, ...strip, module, "-o", optimized);
  await dropPanicTexts(optimized, simd);
}

/** @param {string[]} names */
async function finishThreads(names) {
  const module = await keepExports("threads", names, simd);
  const [optimized, text] = [build("threads.optimized.wasm"), build("threads.wat")];
  await binaryen("wasm-opt", ...optimize, ...baseline, simd, ...strip, module, "-o", optimized);
  await dropPanicTexts(optimized, simd);
  await binaryen("wasm-dis", ...baseline, simd, optimized, "-o", text);
  const shared = withSharedMemory(readFileSync(text, "utf8"));
  writeFileSync(text, shared.text);
  await binaryen("wasm-as", ...baseline, simd, "--enable-threads", text, "-o", build("wasm", "rmsprop.threads.wasm"));
  return shared;
}

/** @param {string[]} names */
async function finishFallback(names) {
  const [lowered, script] = [build("scalar.lowered.wasm"), build("fallback.js")];
  const module = await keepExports("scalar", names);
  // wasm2js supports neither bulk memory nor the later conversions.
  const lower = ["--signext-lowering", "--llvm-nontrapping-fptoint-lowering", "--llvm-memory-copy-fill-lowering"];
  await binaryen("wasm-opt", "-O3", "--low-memory-unused", ...baseline, ...lower, ...strip, module, "-o", lowered);
  await dropPanicTexts(lowered);
  // --emscripten: a factory function, so that every runtime gets a memory of its own.
  await binaryen("wasm2js", "-O3", "--emscripten", lowered, "-o", script);

  let text = readFileSync(script, "utf8").trim();
  text = replaceOnce(text, "function instantiate(info)", "export default function instantiate()");
  text = replaceOnce(text, "return asmFunc(info);", "return asmFunc({});");
  // memory.grow must return -1 where it fails. wasm2js lets ArrayBuffer throw through the middle of the allocator, and claims to
  // have grown beyond 4 GiB. Its addresses are signed, so 2 GiB are the limit.
  const condition = "if ((oldPages < newPages) && (newPages < 65536)) {";
  text = replaceOnce(text, condition, `if (newPages < oldPages || newPages > 32767) return -1;\n  ${condition}`);
  const allocation = "var newBuffer = new ArrayBuffer(newPages << 16);";
  text = replaceOnce(text, allocation, `try { ${allocation} } catch { return -1; }`);
  // LLVM recomputes a root that is NaN, for C's errno.
  const again =
    /^( *(\$\w+) = Math_fround\(Math_sqrt\((\$\w+)\)\);\n) *if \(\2 != \2\) \{\n *\2 = Math_fround\(Math_sqrt\(\3\)\)\n *\}\n/gm;
  if (!again.test(text)) throw new Error("expected roots that are computed twice");
  text = text.replace(again, "$1");
  writeFileSync(build("wasm", "rmsprop.fallback.js"), text);
}

/**
 * Replaces a piece of generated text, and stops the build when a newer tool no longer writes it.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} to
 */
function replaceOnce(text, from, to) {
  if (text.split(from).length !== 2) throw new Error(`expected once: ${from}`);
  return text.replace(from, () => to);
}

mkdirSync(build("wasm"), { recursive: true });
const vectors = ["-Ctarget-feature=+simd128", interleave, rolled];
if (process.argv.includes("--only")) {
  await compile("simd", vectors);
  await finishSimd(["memory", ...kernelExports("simd").map(({ name }) => name)]);
  process.exit();
}
await Promise.all([
  compile("simd", vectors),
  compile("scalar", ["-Ctarget-feature=-simd128", rolled]),
  compile("threads", vectors, "--features", "threads"),
]);
const functions = kernelExports("simd");
/** @param {string} name */
const own = (name) => !functions.some((kernel) => kernel.name === name);
const ofThreads = kernelExports("threads").filter(({ name }) => own(name));
/** @param {string} name */
const generated = (name) => join(root, "ts", "generated", name);
writeFileSync(generated("kernel.ts"), kernelInterface(functions));
const names = ["memory", ...functions.map(({ name }) => name)];
const [{ initialPages }] = await Promise.all([
  finishThreads([...names, ...ofThreads.map(({ name }) => name)]),
  finishSimd(names),
  finishFallback(names),
]);
writeFileSync(generated("thread-exports.ts"), threadsInterface(ofThreads, initialPages));
