// saveOwnVariables, loadOwnVariables, getWeights and setWeights: training goes on with equal bits; all is loaded or nothing.
import {
  CosineDecay,
  LossScaleOptimizer,
  RMSprop,
  type RMSpropOptions,
  StateError,
  type Store,
  Variable,
} from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

const cosine = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 20 });

const CONFIGURATIONS: [string, RMSpropOptions][] = [
  ["plain", {}],
  ["every slot", { momentum: 0.9, centered: true, useEma: true, emaOverwriteFrequency: 3 }],
  ["in the middle of an accumulation window", { gradientAccumulationSteps: 4, useEma: true, momentum: 0.5 }],
  ["a schedule", { learningRate: cosine, globalClipnorm: 1 }],
];

onBothBackends((runtime) => {
  const make = (options: RMSpropOptions, scaled: boolean) => {
    const variables = [
      new Variable(noise(12, 1), { path: "m/a", shape: [3, 4], runtime }),
      new Variable(0.5, { path: "m/b", runtime }),
      new Variable([1], { path: "m/c", overwriteWithGradient: true, runtime }),
    ];
    const inner = new RMSprop({ name: "inner", ...options });
    const optimizer = scaled ? new LossScaleOptimizer(inner, { name: "outer", dynamicGrowthSteps: 3 }) : inner;
    optimizer.build(variables);
    return { variables, optimizer };
  };
  type Training = ReturnType<typeof make>;
  const step = ({ optimizer, variables }: Training, i: number) => {
    const bad = optimizer instanceof LossScaleOptimizer && i === 2;
    optimizer.apply([noise(12, i), [bad ? Number.NaN : i], [i]], variables);
  };
  const copyValues = (from: Training, to: Training) => {
    for (const [i, { value }] of from.variables.entries()) to.variables[i]!.assign(value);
  };

  describe.each(CONFIGURATIONS)("%s", (_, options) => {
    it.each([false, true])("save, load and go on equals never having stopped, with loss scale: %s", (scaled) => {
      const ways: ((store: Store) => (training: Training) => void)[] = [
        (store) => (training) => training.optimizer.loadOwnVariables(store),
        (store) => (training) => training.optimizer.setWeights(Object.values(store)),
        (store) => {
          const training = make(options, scaled);
          training.optimizer.loadOwnVariables(store);
          const weights = training.optimizer.getWeights();
          return (other) => other.optimizer.setWeights(weights);
        },
        (store) => (training) =>
          training.optimizer.loadOwnVariables(
            Object.fromEntries(
              Object.entries(store).map(([key, values]) => [
                key,
                values.length === 1 ? values[0]! : Array.from(values),
              ]),
            ),
          ),
      ];
      for (let stop = 1; stop < 7; stop++) {
        const whole = make(options, scaled);
        for (let i = 0; i < stop; i++) step(whole, i);
        const store = whole.optimizer.saveOwnVariables();
        const resumed = ways.map((way) => {
          const training = make(options, scaled);
          copyValues(whole, training);
          way(store)(training);
          return training;
        });
        for (let i = stop; i < 9; i++) for (const training of [whole, ...resumed]) step(training, i);
        for (const { optimizer, variables } of resumed) {
          expect(stateOf(optimizer, variables)).toEqual(stateOf(whole.optimizer, whole.variables));
        }
      }
    });
  });

  it("has Keras' layout: numbers as text, in the order of `variables`", () => {
    const training = make({ learningRate: 0.5, momentum: 0.5 }, false);
    step(training, 1);
    const { optimizer } = training;
    const store = optimizer.saveOwnVariables();
    expect(Object.keys(store)).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(store["0"]).toEqual(Int32Array.of(1));
    expect(store["1"]).toEqual(Float32Array.of(0.5));
    expect(optimizer.variables.map(({ path, shape }) => [path, [...shape]])).toEqual([
      ["inner/iteration", []],
      ["inner/learning_rate", []],
      ["inner/m_a_velocity", [3, 4]],
      ["inner/m_b_velocity", []],
      ["inner/m_a_momentum", [3, 4]],
      ["inner/m_b_momentum", []],
    ]);
    expect(store["4"]).toEqual(optimizer.variables[4]!.value);
  });

  it("is a copy that training does not change", () => {
    const training = make({ useEma: true }, true);
    const store = training.optimizer.saveOwnVariables();
    const before = structuredClone(store);
    step(training, 1);
    expect(store).toEqual(before);
    training.optimizer.loadOwnVariables(store);
    step(training, 1);
    expect(store).toEqual(before);
  });

  it("rounds the learning rate it loads to float32", () => {
    const { optimizer } = make({}, false);
    const store = optimizer.saveOwnVariables();
    optimizer.loadOwnVariables({ ...store, 1: 0.1 });
    expect(optimizer.learningRate).toBe(Math.fround(0.1));
    optimizer.loadOwnVariables({ ...store, 1: Float64Array.of(0.3) });
    expect(optimizer.learningRate).toBe(Math.fround(0.3));
  });

  it("loads counts beyond what float32 can hold", () => {
    const { optimizer } = make({}, false);
    const store = optimizer.saveOwnVariables();
    for (const count of [2 ** 24 + 1, 2 ** 31 - 1]) {
      for (const value of [count, [count], Int32Array.of(count), Float64Array.of(count)]) {
        optimizer.loadOwnVariables({ ...store, 0: value });
        expect(optimizer.rawIterations).toBe(count);
      }
    }
  });

  it("loads slots from views on each other, as if they had been copied before", () => {
    const training = make({ momentum: 0.5, centered: true }, false);
    for (let i = 0; i < 3; i++) step(training, i);
    const { optimizer } = training;
    const views = optimizer.variables.map(({ value }) => value);
    const before = views.map((view) => bits(view));
    // velocity of a, velocity of b, momentum of a, momentum of b, average_gradient of a, average_gradient of b
    optimizer.setWeights([views[0]!, views[1]!, views[6]!, views[3]!, views[2]!, views[5]!, views[4]!, views[7]!]);
    const after = optimizer.variables.map(({ value }) => bits(value));
    expect(after).toEqual([0, 1, 6, 3, 2, 5, 4, 7].map((i) => before[i]));
  });

  it("restores the loss scale, also one that only Keras reaches", () => {
    const { optimizer } = make({}, true);
    const store = optimizer.saveOwnVariables();
    for (const scale of [0, 2 ** -149, Number.POSITIVE_INFINITY]) {
      optimizer.loadOwnVariables({ ...store, 2: 7, 3: scale });
      expect(optimizer).toMatchObject({ dynamicScale: scale, stepCounter: 7 });
    }
  });

  it.each([false, true])(
    "a store that does not fit is refused and nothing is loaded, with loss scale: %s",
    (scaled) => {
      const training = make({ momentum: 0.5, useEma: true }, scaled);
      const { optimizer, variables } = training;
      for (let i = 0; i < 2; i++) step(training, i);
      const other = make({ momentum: 0.5, useEma: true }, scaled);
      for (let i = 0; i < 5; i++) step(other, i);
      const good = other.optimizer.saveOwnVariables();
      const last = String(Object.keys(good).length - 1);
      const first = scaled ? 4 : 0;
      const without = (key: string) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));
      const throwing = Object.defineProperty({ ...good }, last, {
        enumerable: true,
        get: () => {
          throw new Error("on purpose");
        },
      });
      const stores: [unknown, RegExp][] = [
        [null, /`store` must be an object; received null/],
        [[], /`store` must be an object; received an array of 0/],
        [{}, /must hold the \d+ arrays of this optimizer; it holds 0/],
        [without(last), /must hold the \d+ arrays/],
        [{ ...good, 99: [1] }, /must hold the \d+ arrays/],
        [{ ...without(last), x: good[last] }, new RegExp(`has no array "${last}" \\(inner/m_b_momentum\\)`)],
        [Object.create(good), /must hold the \d+ arrays/],
        [{ ...good, [last]: [1, 2] }, /store\["\d+"\]` must be an array of 1 number, the size of inner\/m_b_momentum/],
        [{ ...good, [last]: [] }, /store\["\d+"\]` must be an array of 1 number/],
        [{ ...good, [last]: "1" }, /store\["\d+"\]` must be an array of 1 number.*received "1"/],
        [{ ...good, [last]: null }, /store\["\d+"\]` must be an array of 1 number.*received null/],
        [{ ...good, [last]: ["1"] }, /store\["\d+"\]\[0\]` must be a number; received "1"/],
        [{ ...good, [last]: new BigInt64Array(1) }, /store\["\d+"\]` must be an array of 1 number/],
        [{ ...good, [first]: -1 }, /store\["\d+"\]` must be a whole number from 0 to 2147483647; received -1/],
        [{ ...good, [first]: [1.5] }, /store\["\d+"\]` must be a whole number/],
        [{ ...good, [first]: Number.NaN }, /store\["\d+"\]` must be a whole number/],
        [{ ...good, [first]: 2 ** 31 }, /store\["\d+"\]` must be a whole number/],
        [{ ...good, [first + 1]: Number.NaN }, /store\["\d+"\]` must be finite in float32; received NaN/],
        [{ ...good, [first + 1]: 1e39 }, /store\["\d+"\]` must be finite in float32; received 1e\+39/],
        [throwing, /^on purpose$/],
      ];
      const before = stateOf(optimizer, variables);
      for (const [store, pattern] of stores) {
        expect(errorOf(() => optimizer.loadOwnVariables(store as Store)).message).toMatch(pattern);
        expect(stateOf(optimizer, variables)).toEqual(before);
      }
      const values = Object.values(good);
      for (const weights of [null, good, values.slice(1), [...values, [1]], [...values.slice(0, -1), [1, 2]]]) {
        const error = errorOf(() => optimizer.setWeights(weights as never));
        expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
        expect(stateOf(optimizer, variables)).toEqual(before);
      }
      optimizer.loadOwnVariables(good);
      expect(optimizer.saveOwnVariables()).toEqual(good);
    },
  );

  it("is not loaded into an optimizer that is not built, and saved from it only what it has", () => {
    const optimizer = new RMSprop();
    const store = optimizer.saveOwnVariables();
    expect(Object.keys(store)).toEqual(["0", "1"]);
    expect(errorOf(() => optimizer.loadOwnVariables(store))).toBeInstanceOf(StateError);
    expect(errorOf(() => optimizer.setWeights([0, 0.1]))).toBeInstanceOf(StateError);
    const scaled = new LossScaleOptimizer(new RMSprop());
    expect(errorOf(() => scaled.loadOwnVariables(scaled.saveOwnVariables()))).toBeInstanceOf(StateError);
  });
});
