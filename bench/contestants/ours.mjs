// This package, built, through its public API: `wasm` and `js` are the two backends, `threads` the threaded runtime.
import { readFileSync } from "node:fs";
import { fill, filled, gradient, LEARNING_RATE, state, tensors, value } from "./data.mjs";

/** @import { Runtime } from "rmsprop-wasm" */
/** @import { Prepared } from "../types.js" */
/** @typedef {"wasm" | "js" | "threads"} Kind */

/** @type {readonly import("rmsprop-wasm").Slot[]} */
const STUCK_SLOTS = ["velocity", "momentum", "average_gradient"];

/**
 * The package's classes, and a function that makes a runtime of this kind.
 *
 * @param {Kind} kind
 * @param {string} threads
 * @returns {Promise<typeof import("rmsprop-wasm") & { runtime: () => Promise<Runtime & { free?(): void }> }>}
 */
async function load(kind, threads) {
  const core = await import("rmsprop-wasm");
  if (kind !== "threads") return { ...core, runtime: async () => core.createRuntime({ backend: kind }) };
  const { createThreadedRuntime } = await import("rmsprop-wasm/threads");
  return { ...core, runtime: () => createThreadedRuntime({ threads: Number(threads) }) };
}

/**
 * @param {Kind} kind
 * @param {string} threads
 * @returns {Promise<Prepared>}
 */
export async function prepare(kind, threads) {
  const { RMSprop, Variable, runtime: createRuntime } = await load(kind, threads);
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

  /** @type {Prepared["make"]} */
  async function make({ sizes, regime, options }) {
    const runtime = await createRuntime();
    const shapes = tensors(sizes);
    const variables = shapes.map(({ first, size }) => new Variable(filled(size, first, value), { runtime }));
    const { use_ema, centered, ...numbers } = options;
    const flags = { use_ema: use_ema === 1, centered: centered === 1 };
    const optimizer = RMSprop.fromConfig({ learning_rate: LEARNING_RATE, ...flags, ...numbers });
    optimizer.build(variables);
    variables.forEach((variable, i) => {
      const { first } = shapes[i];
      fill(variable.gradient, first, (index) => gradient(regime, index));
      for (const name of STUCK_SLOTS) {
        const slot = optimizer.slot(name, variable);
        if (slot) fill(slot, first, (index) => state(regime, index));
      }
      optimizer.slot("average", variable)?.set(variable.value);
    });
    return {
      run(steps) {
        for (let i = 0; i < steps; i++) optimizer.step();
      },
      values: () => variables.map((variable) => variable.value),
      free() {
        optimizer.free();
        for (const variable of variables) variable.free();
        runtime.free?.();
      },
    };
  }
  return { versions: `rmsprop-wasm ${version}, Node ${process.versions.node}`, make };
}
