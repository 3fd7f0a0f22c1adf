// Who takes part: how each contestant is started, and what it is called in tables.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { native, python, rustPeers } from "./install.mjs";

/** @param {string[]} names */
const here = (...names) => fileURLToPath(new URL(join(...names), import.meta.url));

/**
 * @param {string} module
 * @param {string[]} args
 */
const script = (module, ...args) => ({
  command: process.execPath,
  // 4 GiB of memory and its views, and a collector that can be called between models.
  args: ["--expose-gc", here("contestants", "serve.mjs"), here(module), ...args],
});

/**
 * Contestants by their names in a match. Outside `only` they would answer `unsupported`, after some time.
 *
 * @type {Readonly<Record<string, import("./types.js").Start>>}
 */
export const contestants = {
  ours: { title: "rmsprop-wasm", ...script("contestants/ours.mjs", "wasm") },
  threads: { title: "rmsprop-wasm, 2 threads", ...script("contestants/ours.mjs", "threads", "2") },
  native: { title: "same crate, native 128-bit", command: native, args: ["optimizer"] },
  triad: { title: "triad over five streams", command: native, args: ["triad"], only: ["default"], computes: false },
  js: { title: "rmsprop-wasm/js", ...script("contestants/ours.mjs", "js") },
  float64: { title: "plain JavaScript", ...script("contestants/javascript.mjs", "float64"), only: ["default"] },
  fround: {
    title: "plain JavaScript, Math.fround",
    ...script("contestants/javascript.mjs", "fround"),
    only: ["default"],
  },
  "tfjs-wasm": { title: "tfjs, wasm", ...script("peers/tfjs.mjs", "wasm"), only: ["default", "momentum", "centered"] },
  "tfjs-cpu": { title: "tfjs, cpu", ...script("peers/tfjs.mjs", "cpu"), only: ["default"], most: 2 ** 20 },
  // Tracing a thousand tensors takes 4 GiB of memory and minutes.
  "jax-js": { title: "jax-js, wasm", ...script("peers/jax-js.mjs"), only: ["default"], mostTensors: 100 },
  torch: {
    title: "PyTorch",
    command: python,
    args: [here("peers/python.py"), "torch"],
    // Clipping is there, but small gradients show that PyTorch adds epsilon outside the root.
    only: ["default", "momentum", "centered"],
  },
  jax: {
    title: "jax + optax, jit",
    command: python,
    args: [here("peers/python.py"), "jax"],
    only: ["default", "momentum", "centered"],
  },
  "torch-2": {
    title: "PyTorch, 2 threads",
    command: python,
    args: [here("peers/python.py"), "torch", "2"],
    only: ["default"],
  },
  "jax-2": {
    title: "jax + optax, jit, 2 threads",
    command: python,
    args: [here("peers/python.py"), "jax", "2"],
    only: ["default"],
  },
  burn: { title: "burn, ndarray", command: rustPeers, args: ["burn"], only: ["default", "momentum", "centered"] },
  candle: {
    title: "candle-optimisers",
    command: rustPeers,
    args: ["candle"],
    only: ["default", "momentum", "centered"],
  },
  keras: { title: "Keras on NumPy", command: python, args: [here("peers/python.py"), "keras"], most: 2 ** 22 },
};

/** Those whose bits must be ours. The others round elsewhere or in another order. */
export const sameBits = ["again", "threads", "native", "js", "fround"];

const rust = ["burn", "candle"];
const pythonPeers = ["torch", "jax", "torch-2", "jax-2", "keras"];

/**
 * The contestants of this machine and this build.
 *
 * @param {{ withPython: boolean, withRust: boolean, exports: object }} having
 */
export function present({ withPython, withRust, exports }) {
  return Object.keys(contestants).filter((name) => {
    if (pythonPeers.includes(name)) return withPython && existsSync(python);
    if (rust.includes(name)) return withRust && existsSync(rustPeers);
    return name !== "threads" || "./threads" in exports;
  });
}
