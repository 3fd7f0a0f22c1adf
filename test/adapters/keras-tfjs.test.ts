// A model from Keras goes on in TensorFlow.js: values and state have Keras' bits, and steps those of the core.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import * as tfl from "@tensorflow/tfjs-layers";
import { CheckpointError, LossScaleOptimizer, RMSprop, type RMSpropConfig, Variable } from "rmsprop-wasm";
import { readKeras } from "rmsprop-wasm/keras";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { expect, it } from "vitest";
import { fixture, hex } from "../interop/fixtures.js";

const PATHS = ["layers/dense/vars/0", "layers/dense/vars/1", "layers/dense_1/vars/0", "layers/dense_1/vars/1"];

function modelOf(file: ReturnType<typeof readKeras>) {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ inputShape: [3], units: 2, name: "hidden" }),
      tfl.layers.dense({ units: 1, name: "out" }),
    ],
  });
  model.setWeights(
    PATHS.map((path) => file.weights.get(path)!).map(({ value, shape }) => tf.tensor(value, [...shape])),
  );
  return model;
}

/** The same state in the core alone. */
function coreOf(file: ReturnType<typeof readKeras>) {
  const { optimizer } = file;
  const core =
    optimizer.class_name === "RMSprop"
      ? RMSprop.fromConfig(optimizer.config)
      : LossScaleOptimizer.fromConfig(optimizer.config);
  core.build(
    PATHS.map((path) => file.weights.get(path)!).map(
      ({ value, shape }, i) => new Variable(value, { name: `v${i}`, shape }),
    ),
  );
  file.loadOptimizer(core);
  return core;
}

it.each([
  ["full", { momentum: 0.9, centered: true, useEma: true, gradientAccumulationSteps: 2 }],
  ["mixed", { momentum: 0.9, lossScale: { initialScale: 2 ** 15 } }],
])("%s.keras", async (name, options) => {
  const file = readKeras(fixture(`kinds/3.15.1-${name}.keras`));
  const model = modelOf(file);
  const optimizer = rmsprop(tf, { learningRate: 0.5, ...options });
  await file.loadOptimizer(optimizer, model.trainableWeights);
  const core = coreOf(file);
  expect(optimizer.learningRate).toBe(core.learningRate);

  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  for (let step = 0; step < 4; step++) {
    const gradients = variables.map(({ size, shape }) =>
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(step + i))),
        shape,
      ),
    );
    optimizer.applyGradients(variables.map(({ name }, i) => ({ name, tensor: gradients[i]! })));
    core.apply(gradients.map((gradient) => gradient.dataSync() as Float32Array));
    variables.forEach((variable, i) => {
      expect(hex(variable.dataSync() as Float32Array)).toBe(hex(core.trainableVariables[i]!.value));
    });
  }
  expect(optimizer.core.rawIterations).toBe(core.rawIterations);
  optimizer.dispose();
});

it("refuses what does not fit, and changes nothing", async () => {
  const file = readKeras(fixture("kinds/3.15.1-plain.keras"));
  const { trainableWeights } = modelOf(file);
  const config = file.optimizer.config as RMSpropConfig;
  for (const [options, variables, pattern] of [
    [{ momentum: 0.5 }, trainableWeights, /have no momentum/],
    [{}, trainableWeights.slice(1), /trains 4 variables, this one was built with 3/],
    [{}, [...trainableWeights].reverse(), /has shape \[3,2\]; velocity of variable .* has \[1\]/],
  ] as const) {
    const optimizer = rmsprop(tf, { learningRate: config.learning_rate as number, ...options });
    const error = await file.loadOptimizer(optimizer, variables).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(pattern);
    expect(optimizer.iterations).toBe(0);
    optimizer.dispose();
  }
  // Forgotten, it is not the options that differ.
  await expect(file.loadOptimizer(rmsprop(tf), [])).rejects.toThrow("`variables` must be an array of variables");
  await expect(file.loadOptimizer(rmsprop(tf), 5 as never)).rejects.toThrow(
    /`variables` must be an array of variables/,
  );
});
