// A model that Keras has trained goes on in TensorFlow.js, with the weights and the optimizer's state that it had, and leaves
// both as files for Keras. model.py does what comes before and after.

import { readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { type RMSpropConfig, stringifyConfig } from "rmsprop-wasm";
import { exportNpz, type KerasFile, readKeras } from "rmsprop-wasm/keras";
import { deserialize, type Serialized } from "rmsprop-wasm/schedules";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { DIGITS, PIXELS, parseExamples } from "../digits/data.js";

const DATA = new URL("../../../examples/digits/digits.csv.gz", import.meta.url); // as seen from build/examples/keras-tfjs
const BATCH = 32;

const [folder = ".", epochs = "4"] = process.argv.slice(2);
const path = (name: string) => `${folder}/${name}`;

tf.enableProdMode(); // else tfjs advises to use another package in Node
const file = readKeras(await readFile(path("model.keras")));
const model = tfl.sequential({
  layers: [
    tfl.layers.dense({ inputShape: [PIXELS], units: 32, useBias: false, name: "hidden" }),
    // The defaults of TensorFlow.js are Keras'.
    tfl.layers.batchNormalization({ name: "norm" }),
    tfl.layers.activation({ activation: "relu", name: "relu" }),
    tfl.layers.dense({ units: DIGITS, activation: "softmax", name: "digit" }),
  ],
});
setWeights(model, file);

const config = file.optimizer.config as RMSpropConfig;
const optimizer = rmsprop(tf, {
  learningRate: deserialize(config.learning_rate as Serialized),
  momentum: config.momentum,
  weightDecay: config.weight_decay,
});
optimizer.excludeFromWeightDecay({ names: JSON.parse(await readFile(path("exclusions.json"), "utf8")) });
await file.loadOptimizer(optimizer, model.trainableWeights);
model.compile({ optimizer, loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });

const examples = parseExamples(gunzipSync(await readFile(DATA)).toString());
const [training, heldOut] = [false, true].map((isHeldOut) => {
  const part = examples.filter((_, i) => (i % 5 === 0) === isHeldOut);
  const pixels = part.flatMap((example) => [...example.pixels]);
  return { x: tf.tensor2d(pixels, [part.length, PIXELS]), y: tf.tensor1d(part.map(({ digit }) => digit)) };
}) as [{ x: tf.Tensor2D; y: tf.Tensor1D }, { x: tf.Tensor2D; y: tf.Tensor1D }];
await model.fit(training.x, training.y, { batchSize: BATCH, epochs: Number(epochs), shuffle: false, verbose: 0 });
const [, accuracy] = model.evaluate(heldOut.x, heldOut.y) as [tf.Scalar, tf.Scalar];
const percent = (100 * (accuracy.dataSync()[0] ?? 0)).toFixed(1);
console.log(`TensorFlow.js: ${optimizer.iterations} steps, ${percent} % of the held-out digits are read`);

// Layer by layer, as in Keras' `model.weights`: `model.weights` of TensorFlow.js has all that are not trained at its end.
const weights = model.layers.flatMap((layer) => layer.weights);
const arrays = weights.map((weight) => {
  const tensor = weight.read();
  return { path: weight.name, shape: tensor.shape, value: tensor.dataSync<"float32">() };
});
await writeFile(path("optimizer.json"), stringifyConfig(optimizer.core.getConfig()));
await writeFile(path("optimizer.npz"), exportNpz(optimizer.core.variables));
await writeFile(path("weights.npz"), exportNpz(arrays));

/** Sets each layer's weights to those of Keras' layer of the same name; both have them in the same order. */
function setWeights(target: tfl.Sequential, { weights: saved }: KerasFile): void {
  for (const layer of target.layers) {
    const own = [...saved.values()].filter((weight) => weight.layer === layer.name);
    layer.setWeights(own.map(({ value, shape }) => tf.tensor(value, [...shape])));
  }
}
