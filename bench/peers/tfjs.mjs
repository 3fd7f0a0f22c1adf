// TensorFlow.js: its RMSprop on its wasm or cpu backend, one thread. A step is `applyGradients` with tensors that are
// there already.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { filled, gradient, LEARNING_RATE, tensors, value } from "../contestants/data.mjs";

/** @import { Prepared } from "../types.js" */

const require = createRequire(import.meta.url);

const supported = ["momentum", "centered"];

/**
 * @param {"wasm" | "cpu"} backend
 * @returns {Promise<Prepared>}
 */
export async function prepare(backend) {
  /** @type {typeof import("@tensorflow/tfjs-core")} */
  const tf = require("@tensorflow/tfjs-core");
  if (backend === "wasm") {
    /** @type {typeof import("@tensorflow/tfjs-backend-wasm")} */
    const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
    const folder = dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
    setWasmPaths(`${join(folder, "wasm-out")}/`);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  } else require("@tensorflow/tfjs-backend-cpu");
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend}`);
  await tf.ready();

  /** @type {Prepared["make"]} */
  function make({ sizes, regime, options }) {
    if (regime !== "dense" || Object.keys(options).some((name) => !supported.includes(name))) return null;
    const { momentum = 0, centered = 0 } = options;
    const shapes = tensors(sizes);
    const named = shapes.map(({ first, size }, i) => {
      const variable = tf.variable(tf.tensor1d(filled(size, first, value)), true, undefined, "float32");
      const tensor = tf.tensor1d(filled(size, first, (index) => gradient(regime, index)));
      return { variable, tensor, name: variable.name, i };
    });
    const optimizer = tf.train.rmsprop(LEARNING_RATE, 0.9, momentum, 1e-7, centered === 1);
    return {
      run(steps) {
        for (let i = 0; i < steps; i++) optimizer.applyGradients(named);
      },
      values: () => named.map(({ variable }) => variable.dataSync()),
      free() {
        optimizer.dispose();
        for (const { variable, tensor } of named) tf.dispose([variable, tensor]);
      },
    };
  }
  return { versions: `tfjs ${tf.version_core}`, make };
}
