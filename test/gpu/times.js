// Not a test: what a step costs beside tfjs' own optimizer, by launches, reads and time. `node test/gpu/run.mjs --parts times`.
import { counted } from "./launches.js";

/** @import { Tf, Trials } from "./types.js" */

const ROUNDS = 15;

/** Shapes by the names of models. */
const MODELS = {
  "42 small tensors": Array.from({ length: 42 }, (_, i) => (i % 2 === 0 ? [16, 16] : [16])),
  "3 tensors, 68,000 numbers": [[784, 80], [80], [80, 66]],
  "1 tensor, a million numbers": [[1000, 1000]],
};

/** @param {number[]} numbers */
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

/**
 * A step with gradients that the device computes, and a read of what it left, which waits for the device.
 *
 * @param {Tf} tf
 * @param {readonly number[][]} shapes
 * @param {import("@tensorflow/tfjs-core").Optimizer} optimizer
 */
function stepper(tf, shapes, optimizer) {
  const list = shapes.map((shape) => tf.tidy(() => tf.variable(tf.ones(shape), true, `time_${Math.random()}`)));
  let count = 0;
  return {
    apply() {
      count++;
      const named = Object.fromEntries(
        list.map((variable) => [variable.name, tf.tidy(() => tf.mul(variable, 0.1 + (count % 7) / 10))]),
      );
      optimizer.applyGradients(named);
      tf.dispose(named);
    },
    read: () => tf.tidy(() => tf.concat(list.map((variable) => tf.reshape(variable, [-1])))).dataSync(),
    dispose() {
      optimizer.dispose();
      tf.dispose(list);
    },
  };
}

/** @type {Trials} */
export const times = Object.fromEntries(
  Object.entries(MODELS).map(([name, shapes]) => [
    name,
    /** @type {(tf: Tf, tfjs: import("./types.js").Tfjs) => Promise<import("./types.js").Outcome>} */
    async (tf, tfjs) => {
      const options = { learningRate: 0.001, momentum: 0.9 };
      const contestants = {
        "tf.train.rmsprop": stepper(tf, shapes, tf.train.rmsprop(0.001, 0.9, 0.9, 1e-7)),
        "not resident": stepper(tf, shapes, tfjs.rmsprop(tf, options)),
        resident: stepper(tf, shapes, tfjs.rmsprop(tf, { ...options, resident: true })),
      };
      const all = Object.entries(contestants).map(([who, stepper]) => ({
        who,
        stepper,
        times: /** @type {number[]} */ ([]),
      }));
      for (let round = -3; round < ROUNDS; round++) {
        for (const { stepper, times } of all) {
          const started = performance.now();
          stepper.apply();
          stepper.read();
          if (round >= 0) times.push(performance.now() - started);
        }
      }
      const detail = all.map(({ who, stepper, times }) => {
        const { launches, uploads, reads } = counted(tf, () => stepper.apply());
        const ratio = median(times) / median(all[0]?.times ?? []);
        return `${who}: ${ratio.toFixed(2)} times (${median(times).toFixed(1)} ms), ${launches} launches, ${uploads} uploads, ${reads} reads`;
      });
      for (const { stepper } of all) stepper.dispose();
      return { complaints: [], detail: detail.join("; ") };
    },
  ]),
);
