// A perceptron of TensorFlow.js reads handwritten digits, trained with options that tfjs' own optimizers do not have:
// weight decay, a clipped gradient, a schedule, a moving average of the weights. Half-way it is saved, loaded and continued.

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-wasm";
import { CosineDecay } from "rmsprop-wasm";
import { type RMSpropOptimizer, rmsprop } from "rmsprop-wasm/tfjs";
import { DIGITS, type Example, PIXELS, parseExamples, split } from "../digits/data.js";
import { seededRandom } from "../digits/random.js";

const DATA = new URL("../../../examples/digits/digits.csv.gz", import.meta.url); // as seen from build/examples/tfjs
const EPOCHS = 20;
const BATCH = 32;

tf.enableProdMode(); // else tfjs advises to use another package in Node
await tf.setBackend("wasm");

const { training, heldOut } = split(parseExamples(gunzipSync(await readFile(DATA)).toString()), seededRandom(1));

function tensors(examples: readonly Example[]): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const pixels = examples.flatMap((example) => [...example.pixels]);
  const digits = tf.tensor1d(
    examples.map(({ digit }) => digit),
    "int32",
  );
  return { x: tf.tensor2d(pixels, [examples.length, PIXELS]), y: tf.oneHot(digits, DIGITS) as tf.Tensor2D };
}

const [train, test] = [tensors(training), tensors(heldOut)];

const model = layers.sequential();
const initializer = (seed: number) => layers.initializers.glorotUniform({ seed });
model.add(
  layers.layers.dense({ inputShape: [PIXELS], units: 32, activation: "relu", kernelInitializer: initializer(1) }),
);
model.add(layers.layers.dense({ units: DIGITS, activation: "softmax", kernelInitializer: initializer(2) }));

const optimizer = rmsprop(tf, {
  learningRate: new CosineDecay({
    ...{ initialLearningRate: 0, warmupTarget: 0.004, warmupSteps: 45 },
    decaySteps: Math.ceil(training.length / BATCH) * EPOCHS - 45,
  }),
  weightDecay: 0.01,
  globalClipnorm: 1,
  useEma: true,
  emaMomentum: 0.98,
});
optimizer.excludeFromWeightDecay({ names: ["bias"] });

const loss = "categoricalCrossentropy";
model.compile({ optimizer, loss });
await run(model);

// To a file, to IndexedDB, to a server: whatever handles tfjs' models. The class is known to tfjs since the first `rmsprop`.
let file: tf.io.ModelArtifacts = {};
const handler = tf.io.withSaveHandler(async (artifacts) => {
  file = artifacts;
  return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
});
await model.save(handler, { includeOptimizer: true });
const resumed = await layers.loadLayersModel(tf.io.fromMemory(file));
console.log(`saved and loaded after ${optimizer.iterations} steps`);

// What tfjs does not save: which variables are excluded from weight decay.
const continued = resumed.optimizer as RMSpropOptimizer<typeof tf>;
continued.excludeFromWeightDecay({ names: ["bias"] });
resumed.compile({ optimizer: continued, loss, metrics: ["accuracy"] });
await run(resumed);

// As Keras' fit does in the end, and tfjs' does not: the moving averages become the weights.
continued.finalizeVariableValues();
const [, accuracy] = resumed.evaluate(test.x, test.y) as [tf.Scalar, tf.Scalar];
console.log(`${((accuracy.dataSync()[0] ?? 0) * 100).toFixed(1)} % of ${heldOut.length} held-out digits are read`);

async function run(trained: layers.LayersModel): Promise<void> {
  const epochs = EPOCHS / 2;
  const { history } = await trained.fit(train.x, train.y, { epochs, batchSize: BATCH, shuffle: false, verbose: 0 });
  const losses = history["loss"] as number[];
  console.log(`${epochs} epochs: loss ${losses[0]?.toFixed(3)} → ${losses.at(-1)?.toFixed(3)}`);
}
