// What one writes without a library: the default update in plain JavaScript. `float64` computes in the language's own
// numbers and rounds when it stores; `fround` rounds every operation, which gives float32's bits.
import { filled, gradient, LEARNING_RATE, state, tensors, value } from "./data.mjs";

/** @import { Prepared } from "../types.js" */
/** @typedef {Record<"values" | "gradients" | "velocity", Float32Array>} Arrays */

const RHO = 0.9;
const EPSILON = 1e-7;

/** @param {Arrays} tensor */
function float64({ values, gradients, velocity }) {
  for (let i = 0; i < values.length; i++) {
    const g = gradients[i];
    const v = RHO * velocity[i] + (1 - RHO) * g * g;
    velocity[i] = v;
    values[i] -= (LEARNING_RATE * g) / Math.sqrt(v + EPSILON);
  }
}

const { fround } = Math;
const [RHO32, REST32, EPSILON32, RATE32] = [RHO, 1 - RHO, EPSILON, LEARNING_RATE].map(fround);

/** @param {Arrays} tensor */
function fround32({ values, gradients, velocity }) {
  for (let i = 0; i < values.length; i++) {
    const g = gradients[i];
    const v = fround(fround(RHO32 * velocity[i]) + fround(REST32 * fround(g * g)));
    velocity[i] = v;
    values[i] = fround(values[i] - fround(fround(RATE32 * g) / fround(Math.sqrt(fround(v + EPSILON32)))));
  }
}

/**
 * @param {"float64" | "fround"} arithmetic
 * @returns {Prepared}
 */
export function prepare(arithmetic) {
  const update = { float64, fround: fround32 }[arithmetic];
  /** @type {Prepared["make"]} */
  function make({ sizes, regime, options }) {
    if (Object.keys(options).length > 0) return null;
    const model = tensors(sizes).map(({ first, size }) => ({
      values: filled(size, first, value),
      gradients: filled(size, first, (i) => gradient(regime, i)),
      velocity: filled(size, first, (i) => state(regime, i)),
    }));
    return {
      run(steps) {
        for (let i = 0; i < steps; i++) for (const tensor of model) update(tensor);
      },
      values: () => model.map(({ values }) => values),
      free() {},
    };
  }
  return { versions: `V8 ${process.versions.v8}`, make };
}
