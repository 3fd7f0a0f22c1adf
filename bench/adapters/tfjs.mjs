// What this optimizer gives instead of tfjs' own: steps per second of models that train, and the time of the
// optimizer's part alone. Rounds of both alternate, and the best round of each counts: other load only slows.
//
//   node bench/adapters/tfjs.mjs [rounds]
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { rmsprop } from "rmsprop-wasm/tfjs";

const ROUNDS = Number(process.argv[2] ?? 25);
const BATCH = 32;

/** Layers of a perceptron, from the inputs to the classes. */
const MODELS = [
  [64, 32, 10],
  [784, 128, 10],
  [784, 512, 256, 10],
  // Many small layers: what a call per tensor costs.
  [16, ...new Array(20).fill(16), 4],
];

const OPTIMIZERS = {
  "tf.train.rmsprop": () => tf.train.rmsprop(0.001, 0.9, 0.9, 1e-7),
  "rmsprop-wasm/tfjs": () => rmsprop(tf, { learningRate: 0.001, momentum: 0.9 }),
};

/**
 * @param {readonly number[]} units
 * @param {() => Pick<tf.Optimizer, "applyGradients" | "computeGradients" | "minimize">} makeOptimizer
 */
function train(units, makeOptimizer) {
  const model = layers.sequential();
  const [inputs, ...rest] = units;
  const classes = units[units.length - 1];
  rest.forEach((count, i) => {
    const activation = i === rest.length - 1 ? "softmax" : "relu";
    model.add(layers.layers.dense({ units: count, activation, ...(i === 0 && { inputShape: [inputs] }) }));
  });
  const x = tf.randomUniform([BATCH, inputs]);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: BATCH }, (_, i) => i % classes),
      "int32",
    ),
    classes,
  );
  const variables = /** @type {tf.Variable[]} */ (model.trainableWeights.map((weight) => weight.read()));
  const optimizer = makeOptimizer();
  const predicted = () => /** @type {tf.Tensor} */ (model.apply(x, { training: true }));
  const loss = () => tf.tidy(() => /** @type {tf.Scalar} */ (tf.losses.softmaxCrossEntropy(y, predicted())));
  const { value, grads } = optimizer.computeGradients(loss, variables);
  value.dispose();
  return {
    parameters: model.countParams(),
    tensors: variables.length,
    step: () => optimizer.minimize(loss, false, variables),
    apply: () => optimizer.applyGradients(grads),
  };
}

/**
 * Milliseconds of one call: the best of all rounds, which the functions run alternately.
 *
 * @param {readonly (() => unknown)[]} functions
 */
function best(functions) {
  const minima = functions.map(() => Number.POSITIVE_INFINITY);
  // Enough calls for a round of some milliseconds.
  const calls = functions.map((run) => {
    const started = performance.now();
    for (let i = 0; i < 3; i++) run();
    return Math.max(1, Math.round(24 / (performance.now() - started)));
  });
  for (let round = 0; round < ROUNDS; round++) {
    functions.forEach((run, i) => {
      const started = performance.now();
      for (let call = 0; call < calls[i]; call++) run();
      minima[i] = Math.min(minima[i], (performance.now() - started) / calls[i]);
    });
  }
  return minima;
}

tf.enableProdMode();
console.log(`Node ${process.version}, tfjs ${tf.version_core}, batches of ${BATCH}, best of ${ROUNDS} rounds\n`);
console.log(
  "| backend | model | parameters, tensors | steps/s, tfjs' | steps/s, ours | optimizer, tfjs' | optimizer, ours |",
);
console.log(
  "| ------- | ----- | ------------------- | -------------- | ------------- | ---------------- | --------------- |",
);
for (const backend of ["wasm", "cpu"]) {
  await tf.setBackend(backend);
  for (const units of MODELS) {
    const runs = Object.values(OPTIMIZERS).map((make) => train(units, make));
    const [steps, applies] = [best(runs.map(({ step }) => step)), best(runs.map(({ apply }) => apply))];
    const name = units.length > 6 ? `${units[0]}, ${units.length - 2} × ${units[1]}, ${units.at(-1)}` : units.join("-");
    const cells = [
      ...[backend, name, `${runs[0].parameters}, ${runs[0].tensors}`],
      ...steps.map((ms) => String(Math.round(1000 / ms))),
      ...applies.map((ms) => `${(ms * 1000).toFixed(0)} µs`),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
