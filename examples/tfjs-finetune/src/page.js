// A convolution learns four directions of bars. Then its filters are kept, and a new last layer learns two kinds of crosses
// from 32 examples. Weights, gradients and the optimizer's state stay on the GPU: `resident: true`.

import "@tensorflow/tfjs-backend-webgl";
import * as tf from "@tensorflow/tfjs-core";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import { CosineDecay } from "rmsprop-wasm";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { BARS, CROSSES, drawings, SIZE } from "./drawings.js";

const result = document.querySelector("#result");

function optimizerFor(steps) {
  const learningRate = new CosineDecay({ initialLearningRate: 0.01, decaySteps: steps });
  return rmsprop(tf, { learningRate, globalClipnorm: 1, resident: true });
}

/** Trains on drawings of these kinds; the share of 200 others that it then names rightly. */
async function train(model, kinds, count, epochs) {
  const [train, test] = [drawings(kinds, count, 1), drawings(kinds, 200, 2)];
  const optimizer = optimizerFor(epochs * Math.ceil(count / 32));
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  await model.fit(train.x, train.y, { batchSize: 32, epochs, shuffle: false, verbose: 0 });
  const [, accuracy] = model.evaluate(test.x, test.y);
  return `${(100 * (await accuracy.data())[0]).toFixed(0)} %`;
}

const kernelInitializer = initializers.glorotUniform({ seed: 1 });
const filters = [
  layers.conv2d({ inputShape: [SIZE, SIZE, 1], filters: 8, kernelSize: 5, activation: "relu", kernelInitializer }),
  layers.globalAveragePooling2d({ name: "pooling" }),
];
const head = (kinds) => layers.dense({ units: kinds.length, activation: "softmax", kernelInitializer });

try {
  await tf.setBackend("webgl");
  await tf.ready();
  result.textContent = "Training on bars";
  const bars = await train(sequential({ layers: [...filters, head(BARS)] }), BARS, 512, 12);

  result.textContent = "Fine-tuning on crosses";
  for (const layer of filters) layer.trainable = false;
  const crosses = await train(sequential({ layers: [...filters, head(CROSSES)] }), CROSSES, 32, 60);
  result.textContent = `On ${tf.getBackend()}: ${bars} of bars, ${crosses} of crosses are named rightly.`;
} catch (error) {
  result.textContent = `Failed: ${error.message}`;
}
