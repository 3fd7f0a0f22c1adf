// What can be given as a learning rate, when it is asked for, and what can replace it.
import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  type LearningRate,
  LossScaleOptimizer,
  PiecewiseConstantDecay,
  RMSprop,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends } from "./support.js";

onBothBackends((runtime) => {
  function trained(learningRate: LearningRate, steps = 5): string[] {
    const w = new Variable(noise(11), { runtime });
    const optimizer = new RMSprop({ learningRate });
    for (let step = 0; step < steps; step++) optimizer.apply([noise(11, step)], [w]);
    return bits(w.value);
  }

  it("is a number, a schedule, an object with `at`, or a function, with the same bits", () => {
    const values = [0.5, 0.25, 0.125, 0.0625, 0.03125];
    const schedule = new ExponentialDecay({ initialLearningRate: 0.5, decaySteps: 1, decayRate: 0.5 });
    const expected = trained(schedule);
    expect(trained((step) => values[step]!)).toEqual(expected);
    expect(trained({ at: (step) => values[step]! })).toEqual(expected);
    expect(trained(new PiecewiseConstantDecay({ boundaries: [0, 1, 2, 3], values }))).toEqual(expected);
    const rates = values.values();
    expect(trained(() => rates.next().value!)).toEqual(expected);
    expect(trained(() => 0.5)).toEqual(trained(0.5));
  });

  it("is rounded to float32 once, wherever it comes from", () => {
    const rounded = Math.fround(0.1);
    for (const rate of [0.1, () => 0.1, { at: () => 0.1 }]) {
      expect(new RMSprop({ learningRate: rate }).learningRate).toBe(rounded);
      expect(trained(rate)).toEqual(trained(rounded));
    }
  });

  it("is asked for once per step, at the raw count of calls before it", () => {
    const asked: number[] = [];
    const w = new Variable(noise(2), { runtime });
    const optimizer = new RMSprop({
      learningRate: (step) => {
        asked.push(step);
        return 0.1;
      },
      gradientAccumulationSteps: 3,
      weightDecay: 0.1,
    });
    optimizer.build([w]);
    for (let step = 0; step < 4; step++) optimizer.step();
    optimizer.apply([noise(2)]);
    optimizer.applyGradients([[noise(2), w]]);
    optimizer.minimize(() => 0, [w]);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(optimizer.learningRate).toBe(Math.fround(0.1));
    expect(asked.at(-1)).toBe(7);
    expect(optimizer.rawIterations).toBe(7);
  });

  it("of a schedule does not advance in steps that the loss scale skips", () => {
    const w = new Variable(noise(2), { runtime });
    const schedule = new ExponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 });
    const optimizer = new LossScaleOptimizer(new RMSprop({ learningRate: schedule }));
    optimizer.apply([noise(2)], [w]);
    optimizer.apply([[Number.NaN, 1]]);
    expect(optimizer.learningRate).toBe(0.5);
  });

  it("of a schedule at a huge step has the same bits on both backends as `at`", () => {
    const schedule = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 2 ** 30, alpha: 0.1 });
    const optimizer = new RMSprop({ learningRate: schedule });
    optimizer.build([new Variable(1, { runtime })]);
    const store = optimizer.saveOwnVariables();
    for (const step of [0, 1, 2 ** 24 + 1, 2 ** 29 + 3, 2 ** 31 - 1]) {
      optimizer.loadOwnVariables({ ...store, 0: Int32Array.of(step) });
      expect(optimizer.rawIterations).toBe(step);
      expect(optimizer.learningRate).toBe(schedule.at(step));
    }
  });

  it("changes with the setter from the next step on", () => {
    const w = new Variable(noise(3), { runtime });
    const optimizer = new RMSprop({ learningRate: 0.1 });
    optimizer.build([w]);
    optimizer.learningRate = 0;
    w.gradient.fill(1);
    optimizer.step();
    expect(bits(w.value)).toEqual(bits(noise(3)));
    optimizer.learningRate = () => 0.5;
    optimizer.step();
    expect(bits(w.value)).not.toEqual(bits(noise(3)));
  });

  it("is an optimizer variable only as a number, and is replaced by a schedule", () => {
    const optimizer = new RMSprop({ learningRate: 0.1, name: "o" });
    optimizer.build([new Variable(1, { path: "w", runtime })]);
    const paths = () => optimizer.variables.map(({ path }) => path);
    expect(paths()).toEqual(["o/iteration", "o/learning_rate", "o/w_velocity"]);
    optimizer.learningRate = () => 0.1;
    expect(paths()).toEqual(["o/iteration", "o/w_velocity"]);
  });
});

describe("setter", () => {
  const schedule = new CosineDecay({ initialLearningRate: 1, decaySteps: 10 });

  it("can be replaced by anything if it is a number", () => {
    const rates: [LearningRate, number][] = [
      [0.25, 0.25],
      [schedule, 1],
      [() => 2, 2],
      [{ at: () => 3 }, 3],
    ];
    for (const [rate, value] of rates) {
      const optimizer = new RMSprop();
      optimizer.learningRate = rate;
      expect(optimizer.learningRate).toBe(value);
    }
  });

  it("can be replaced by a schedule or a function, but no number, if it is either", () => {
    for (const current of [schedule, () => 0.1, { at: () => 0.1 }]) {
      for (const optimizer of [
        new RMSprop({ learningRate: current }),
        new LossScaleOptimizer(new RMSprop({ learningRate: current })),
      ]) {
        const before = optimizer.learningRate;
        const error = errorOf(() => {
          optimizer.learningRate = 0.5;
        });
        expect(error).toBeInstanceOf(StateError);
        expect(error.message).toMatch(/is a schedule or a function, so it cannot be set to a number/);
        expect(optimizer.learningRate).toBe(before);
        optimizer.learningRate = () => 0.75;
        expect(optimizer.learningRate).toBe(0.75);
      }
    }
  });

  it("of a LossScaleOptimizer is that of its inner optimizer", () => {
    const inner = new RMSprop({ learningRate: 0.5 });
    const optimizer = new LossScaleOptimizer(inner);
    optimizer.learningRate = 0.25;
    expect([inner.learningRate, optimizer.learningRate]).toEqual([0.25, 0.25]);
  });
});

it("that is not finite says which schedule it was, and at which step", () => {
  const options = { initialLearningRate: 1, firstDecaySteps: 10, tMul: 0.5 };
  for (const [learningRate, name] of [
    [new CosineDecayRestarts(options), "CosineDecayRestarts at step 20"],
    [new CosineDecayRestarts({ ...options, name: "warm" }), "CosineDecayRestarts at step 20"],
    [(step: number) => 1 / (step - 20), "at step 20"],
    [{ at: (step: number) => 1 / (step - 20) }, "at step 20"],
  ] as const) {
    const w = new Variable(1);
    const optimizer = new RMSprop({ learningRate });
    w.gradient[0] = 1;
    optimizer.build([w]);
    for (let step = 0; step < 20; step++) optimizer.step();
    const before = w.value[0];
    const error = errorOf(() => optimizer.step());
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain(`\`learningRate (${name})\` must be finite in float32; received `);
    expect([optimizer.rawIterations, w.value[0]]).toEqual([20, before]);
  }
});

it("a subclass of a schedule may have an `at` of its own", () => {
  class Half extends CosineDecay {
    override at(): number {
      return 0.5;
    }
  }
  const half = new RMSprop({ learningRate: new Half({ initialLearningRate: 0.1, decaySteps: 10 }) });
  expect(half.learningRate).toBe(0.5);
});
