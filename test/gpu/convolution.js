// A small convolution trained by tfjs' own `fit`, with both optimizers: it learns, and nothing is read in a step but the loss.
import * as layers from "@tensorflow/tfjs-layers";
import { generator } from "./cases.js";

/** @import { Tf, Trials } from "./types.js" */

/**
 * Bars, upright or level, in noise.
 *
 * @param {Tf} tf
 * @param {number} count
 */
function images(tf, count) {
  const random = generator(7);
  const pixels = Float32Array.from({ length: count * 64 }, () => random() * 0.5);
  const labels = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const [isUpright, at] = [i % 2, Math.floor(random() * 8)];
    for (let k = 0; k < 8; k++) pixels[i * 64 + (isUpright ? k * 8 + at : at * 8 + k)] += 1;
    labels[i * 2 + isUpright] = 1;
  }
  return [tf.tensor(pixels, [count, 8, 8, 1]), tf.tensor(labels, [count, 2])];
}

/** @param {Tf} tf */
function model(tf) {
  const made = layers.sequential({
    layers: [
      layers.layers.conv2d({ inputShape: [8, 8, 1], filters: 4, kernelSize: 3, activation: "relu" }),
      layers.layers.maxPooling2d({ poolSize: 2 }),
      layers.layers.flatten(),
      layers.layers.dense({ units: 2, activation: "softmax" }),
    ],
  });
  // The same beginning for both.
  const random = generator(3);
  made.setWeights(
    made.getWeights().map(({ shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(
        Float32Array.from({ length: size }, () => (random() - 0.5) * 0.5),
        shape,
      );
    }),
  );
  return made;
}

/**
 * @param {Tf} tf
 * @param {import("@tensorflow/tfjs-core").Optimizer} optimizer
 * @param {number} epochs
 */
async function losses(tf, optimizer, epochs) {
  const [x, y] = images(tf, 64);
  const made = model(tf);
  made.compile({ optimizer, loss: "categoricalCrossentropy" });
  const { history } = await made.fit(x, y, { epochs, batchSize: 16, shuffle: false, verbose: 0 });
  const all = (history["loss"] ?? []).map(Number);
  tf.dispose([x, y]);
  made.dispose();
  optimizer.dispose();
  return all;
}

/** @type {Trials} */
export const convolution = {
  "learns, in both forms of ours and with tfjs' own": async (tf, tfjs) => {
    const complaints = [];
    const kernel = await losses(tf, tfjs.rmsprop(tf, { learningRate: 0.01, resident: true }), 12);
    const composed = await losses(tf, tfjs.rmsprop(tf, { learningRate: 0.01, resident: "composed" }), 12);
    const own = await losses(tf, tf.train.rmsprop(0.01), 12);
    const last = (/** @type {number[]} */ all) => all.at(-1) ?? Number.NaN;
    for (const [name, all] of Object.entries({ kernel, composed, own })) {
      // tfjs' ε of 1e-4 on webgl makes it slower.
      if (!(last(all) < all[0] / 2)) complaints.push(`${name} does not learn: ${all.join(", ")}`);
    }
    if (String(kernel) !== String(composed))
      complaints.push(`kernel and composed differ: ${last(kernel)}, ${last(composed)}`);
    return { complaints, detail: `losses: ours ${last(kernel).toPrecision(5)}, tfjs' ${last(own).toPrecision(5)}` };
  },
};
