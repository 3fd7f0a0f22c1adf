// Overrides in checkpoints: kept, shown, and compared where they decide what the state means.
import { LossScaleOptimizer, RMSprop, type RMSpropOptions, Variable, type VariableOverrides } from "rmsprop-wasm";
import { CheckpointError, inspect, load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";
import { errorOf, noise, onBothBackends, stateOf } from "./support.js";

onBothBackends((runtime) => {
  function make(options: RMSpropOptions, overrides: VariableOverrides, scaled = false) {
    const variables = ["encoder", "head"].map((path, i) => new Variable(noise(9, i), { path, name: path, runtime }));
    const inner = new RMSprop({ name: "r", ...options });
    const optimizer = scaled ? new LossScaleOptimizer(inner, { name: "s", initialScale: 2 }) : inner;
    optimizer.override({ paths: ["encoder"] }, overrides);
    optimizer.build(variables);
    const train = (from: number, to: number) => {
      for (let step = from; step < to; step++) optimizer.apply([noise(9, step), noise(9, -step)]);
    };
    return { optimizer, variables, train };
  }

  it.each([false, true])("goes on with the same bits; under a loss scale: %s", (scaled) => {
    const options = { momentum: 0.9, weightDecay: 0.1, useEma: true, gradientAccumulationSteps: 3 };
    for (const overrides of [
      { learningRateMultiplier: 0.1, weightDecay: false },
      { learningRateMultiplier: 1 / 3, weightDecay: 0.3 },
      { trainable: false },
    ] as const) {
      const [whole, resumed] = [make(options, overrides, scaled), make(options, overrides, scaled)];
      whole.train(0, 5);
      const bytes = save(whole.optimizer);
      expect(inspect(bytes).overrides).toEqual({ encoder: overrides });
      load(bytes, resumed.optimizer);
      whole.train(5, 9);
      resumed.train(5, 9);
      expect(stateOf(resumed.optimizer, resumed.variables)).toEqual(stateOf(whole.optimizer, whole.variables));
      expect(save(resumed.optimizer)).toEqual(save(whole.optimizer));
    }
  });

  it("writes nothing where nothing is overridden", () => {
    const { optimizer } = make({}, { learningRateMultiplier: null, weightDecay: null, trainable: true });
    const bytes = save(optimizer);
    expect(inspect(bytes).overrides).toEqual({});
    expect(new TextDecoder("latin1").decode(bytes)).not.toContain("overrides");
  });

  describe("refuses what would take the state for something else, and says what", () => {
    it.each<[string, RMSpropOptions, VariableOverrides, VariableOverrides, number, RegExp | null]>([
      [
        "another multiplier in the momentum",
        { momentum: 0.9 },
        { learningRateMultiplier: 0.1 },
        {},
        2,
        /^The checkpoint's momentum of "encoder" has 0\.1 times the learning rate in it, not 1 times: call `override` with `learningRateMultiplier: 0\.1` before `load`/,
      ],
      [
        "none there",
        { momentum: 0.9 },
        {},
        { learningRateMultiplier: 0.1 },
        2,
        /of "encoder" has 1 times the learning rate in it, not 0\.1/,
      ],
      [
        "momentum without the rate in it",
        { momentum: 0.9, momentumMode: "torch" },
        { learningRateMultiplier: 0.1 },
        {},
        2,
        null,
      ],
      ["no momentum", {}, { learningRateMultiplier: 0.1 }, { learningRateMultiplier: 0.2 }, 2, null],
      [
        "frozen there within an accumulation",
        { gradientAccumulationSteps: 2 },
        { trainable: false },
        {},
        3,
        /^The checkpoint is from the middle of an accumulation, in which "encoder" was frozen: call `override` with `trainable: false` before `load`/,
      ],
      [
        "frozen here within an accumulation",
        { gradientAccumulationSteps: 2 },
        {},
        { trainable: false },
        3,
        /in which "encoder" was trained: call `override` with `trainable: true` before `load`/,
      ],
      ["between accumulations", { gradientAccumulationSteps: 2 }, { trainable: false }, {}, 4, null],
      ["frozen", { momentum: 0.9 }, { trainable: false }, {}, 2, null],
      ["another weight decay", { momentum: 0.9 }, { weightDecay: 0.1 }, { weightDecay: false }, 2, null],
    ])("%s", (_, options, there, here, steps, message) => {
      const [from, to] = [make(options, there), make(options, here)];
      from.train(0, steps);
      to.train(0, 1);
      const before = stateOf(to.optimizer, to.variables);
      if (!message) {
        load(save(from.optimizer), to.optimizer);
        expect(to.optimizer.rawIterations).toBe(steps);
        return;
      }
      const error = errorOf(() => load(save(from.optimizer), to.optimizer));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toMatch(message);
      expect(stateOf(to.optimizer, to.variables)).toEqual(before);
      // Of variables that are not loaded nothing is compared.
      expect(load(save(from.optimizer), to.optimizer, { only: (path) => path !== "encoder" }).missing).toEqual([
        "encoder",
      ]);
    });
  });
});
