// TensorFlow.js as the tests of its adapter use it: two backends, and what a test asks of all of them.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
// It registers the gradients of all operations, too.
import "@tensorflow/tfjs-layers";
import { RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { beforeAll, describe } from "vitest";
import { bits, noise } from "../unit/support.js";

// Else it advises Node's users to use another package.
tf.enableProdMode();

export { tf };

/** The same tests on both backends that train in Node. */
export function onBothBackends(tests: (backend: "cpu" | "wasm") => void): void {
  describe.each(["cpu", "wasm"] as const)("%s", (backend) => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });
    tests(backend);
  });
}

/** The values' bits. */
export const valueBits = (tensor: tf.Tensor): string[] => bits(tensor.dataSync() as Float32Array);

/** Two tensors that look random, of several groups of eight; the last group is partly padding. */
export const SHAPES = [[3, 7], [9]] as const;

export const start = (i: number): Float32Array =>
  noise(
    SHAPES[i]!.reduce((a, b) => a * b, 1),
    10 + i,
  );

/** The gradient of variable `i` at a step. */
export const gradient = (step: number, i: number): Float32Array =>
  noise(
    SHAPES[i]!.reduce((a, b) => a * b, 1),
    100 * step + i,
  ).map((value) => value * 10 ** ((step % 5) - 2));

/** What the core computes: the values' bits after each of `steps` steps. */
export function trajectory(options: RMSpropOptions, steps: number): string[][][] {
  const variables = SHAPES.map((shape, i) => new Variable(start(i), { name: `v${i}`, shape }));
  const optimizer = new RMSprop(options);
  return Array.from({ length: steps }, (_, step) => {
    optimizer.apply(
      variables.map((_, i) => gradient(step, i)),
      variables,
    );
    return variables.map(({ value }) => bits(value));
  });
}

/** The variables of `trajectory` in tfjs. */
export const variables = (): tf.Variable[] =>
  SHAPES.map((shape, i) => tf.tidy(() => tf.variable(tf.tensor(start(i), [...shape]), true)));

/** The gradients of a step, by the variables' names. */
export const gradientsOf = (list: readonly tf.Variable[], step: number): tf.NamedTensorMap =>
  Object.fromEntries(list.map(({ name }, i) => [name, tf.tensor(gradient(step, i), [...SHAPES[i]!])]));
