// Moving averages touch variables that a call gives no gradient for, as in Keras: tfjs must see what the core sees.
import { RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { expect, it } from "vitest";
import { bits } from "../unit/support.js";
import { gradient, gradientsOf, onBothBackends, SHAPES, start, tf, valueBits, variables } from "./tf.js";

/** The core over the variables of `variables()`. */
function core(options: RMSpropOptions) {
  const ours = SHAPES.map((shape, i) => new Variable(start(i), { name: `v${i}`, shape }));
  const optimizer = new RMSprop(options);
  optimizer.build(ours);
  return { optimizer, ours };
}

onBothBackends(() => {
  it("they overwrite also in calls that only accumulate", () => {
    const options = { useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 2, gradientAccumulationSteps: 2 } as const;
    const { optimizer: expected, ours } = core(options);
    const list = variables();
    const optimizer = rmsprop(tf, options);
    for (let step = 0; step < 9; step++) {
      expected.apply(ours.map((_, i) => gradient(step, i)));
      optimizer.applyGradients(gradientsOf(list, step));
      expect([step, ...list.map(valueBits)]).toEqual([step, ...ours.map(({ value }) => bits(value))]);
    }
  });

  it("they overwrite variables without a gradient, and follow values that were set meanwhile", () => {
    const options = { useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 2 } as const;
    const { optimizer: expected, ours } = core(options);
    const list = variables();
    const optimizer = rmsprop(tf, options);
    for (let step = 0; step < 9; step++) {
      if (step === 4) {
        ours[1]!.assign(start(1));
        list[1]!.assign(tf.tensor(start(1), [...SHAPES[1]]));
      }
      // First all of them, then only the first one.
      const some = step < 3 ? ours : [ours[0]!];
      expected.apply(
        some.map((_, i) => gradient(step, i)),
        some,
      );
      const gradients = gradientsOf(list, step);
      optimizer.applyGradients(some.map((_, i) => ({ name: list[i]!.name, tensor: gradients[list[i]!.name]! })));
      expect([step, ...list.map(valueBits)]).toEqual([step, ...ours.map(({ value }) => bits(value))]);
    }
  });

  it("one that was loaded stays where it was until its variable comes", async () => {
    const [v, w] = ["v", "w"].map((name) => tf.variable(tf.tensor1d([8, 8]), true, name)) as [tf.Variable, tf.Variable];
    const options = { useEma: true, emaMomentum: 0.5 } as const;
    const [first, second] = [rmsprop(tf, options), rmsprop(tf, options)];
    first.applyGradients({ v: tf.tensor1d([1, 1]), w: tf.tensor1d([0, 0]) });
    await second.setWeights(await first.getWeights());
    for (let step = 0; step < 5; step++) second.applyGradients({ v: tf.tensor1d([1, 1]) });
    second.applyGradients({ w: tf.tensor1d([0, 0]) });
    const average = (await second.getWeights()).find(({ name }) => name === "w/average");
    expect(average?.tensor.dataSync()).toEqual(Float32Array.of(8, 8));
    for (const variable of [v, w]) variable.dispose();
  });
});
