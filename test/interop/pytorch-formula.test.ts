// With the options that Keras has not, it is PyTorch's or timm's update, up to the order of a few roundings: results of both
// (make_pytorch.py), compared in units of the last place.
import { RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { noise, onBothBackends } from "../unit/support.js";
import {
  distances,
  type TorchCase,
  torch,
  torchCases,
  torchGradients,
  torchOptions,
  torchValues,
  unitsOf,
} from "./fixtures.js";

onBothBackends((runtime) => {
  const train = (recorded: TorchCase, modes: RMSpropOptions = {}) => {
    const optimizer = new RMSprop({ ...torchOptions(recorded), ...modes });
    const variables = torchValues().map((values) => new Variable(values, { runtime }));
    optimizer.build(variables);
    if (recorded.groups.length > 1) {
      for (const [i, { factor, weight_decay: decay }] of recorded.groups.entries()) {
        optimizer.override(
          { variables: [variables[i]!] },
          { learningRateMultiplier: factor, weightDecay: decay === 0 ? false : decay },
        );
      }
    }
    for (const [step, rate] of torch.rates.entries()) {
      optimizer.learningRate = rate;
      optimizer.apply(torchGradients(step));
    }
    return distances(optimizer, recorded);
  };
  const having = (condition: (recorded: TorchCase) => boolean) =>
    torchCases.filter(([, recorded]) => condition(recorded));

  describe.each(torchCases)("%s", (_, recorded) => {
    it("has PyTorch's values and state", () => {
      for (const [what, distance] of Object.entries(train(recorded)))
        expect(distance, what).toBeLessThanOrEqual(unitsOf(recorded, what));
    });
  });

  it.each(having(({ eps, lr_in_momentum: isInside }) => eps > 1e-3 && isInside === undefined))(
    "%s has nothing like it with epsilon inside the root",
    (_, recorded) => {
      expect(train(recorded, { epsilonMode: "inside" })["value"]).toBeGreaterThan(1e5);
    },
  );

  it.each(having(({ momentum, lr_in_momentum: isInside }) => momentum > 0 && !isInside))(
    "%s nor with the rate in the momentum buffer",
    (_, recorded) => {
      expect(train(recorded, { momentumMode: "keras" })["value"]).toBeGreaterThan(1e5);
    },
  );

  it("divides by epsilon where PyTorch takes the root of a negative number", () => {
    // Constant gradients: v - a² falls below 0 by rounding.
    const gradient = noise(20).map((x) => 1.5 + x / 2);
    const w = new Variable(noise(20), { runtime });
    const optimizer = new RMSprop({ centered: true, epsilon: 1e-3, epsilonMode: "outside" });
    optimizer.build([w]);
    let cancelled = 0;
    for (let step = 0; step < 1000; step++) {
      const before = w.value.slice();
      optimizer.apply([gradient]);
      const [velocity, average] = (["velocity", "average_gradient"] as const).map((slot) => optimizer.slot(slot, w)!);
      before.forEach((value, i) => {
        if (Math.fround(velocity![i]! - Math.fround(average![i]! ** 2)) >= 0) return;
        cancelled++;
        const increment = Math.fround(Math.fround(Math.fround(0.001) * gradient[i]!) / Math.fround(1e-3));
        expect(w.value[i]).toBe(Math.fround(value - increment));
      });
    }
    expect(cancelled).toBeGreaterThan(100);
    expect(w.value.every(Number.isFinite)).toBe(true);
  });
});
