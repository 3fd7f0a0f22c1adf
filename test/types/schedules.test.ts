// The schedules' types.

import * as main from "rmsprop-wasm";
import {
  CosineDecay,
  type CosineDecayOptions,
  CosineDecayRestarts,
  deserialize,
  ExponentialDecay,
  InverseTimeDecay,
  type LearningRateSchedule,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
  type ScheduleConfig,
  type Serialized,
  serialize,
} from "rmsprop-wasm";
import * as entry from "rmsprop-wasm/schedules";
import { expect, expectTypeOf, it } from "vitest";

const rate = { initialLearningRate: 0.1, decaySteps: 10 };

it("what is needed is needed, what has a default is optional", () => {
  new ExponentialDecay({ ...rate, decayRate: 0.5 });
  new InverseTimeDecay({ ...rate, decayRate: 0.5, staircase: true });
  new PolynomialDecay(rate);
  new CosineDecay({ ...rate, warmupTarget: null });
  new CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 10 });
  new PiecewiseConstantDecay({ boundaries: [1], values: [1, 2] });
  const frozen = { boundaries: [1, 2], values: [1, 2, 3] } as const;
  new PiecewiseConstantDecay(frozen);
  expectTypeOf<Required<CosineDecayOptions>["warmupTarget"]>().toEqualTypeOf<number | null | undefined>();
  for (const action of [
    // @ts-expect-error no decayRate
    () => new ExponentialDecay(rate),
    // @ts-expect-error no options
    () => new CosineDecay(),
    // @ts-expect-error unknown
    () => new PolynomialDecay({ ...rate, pover: 2 }),
    // @ts-expect-error Keras' name
    () => new CosineDecay({ initial_learning_rate: 0.1, decay_steps: 1 }),
    // @ts-expect-error null
    () => new ExponentialDecay({ ...rate, decayRate: null }),
    // @ts-expect-error a number
    () => new PiecewiseConstantDecay({ boundaries: 1, values: [1, 2] }),
    // @ts-expect-error strings
    () => new PiecewiseConstantDecay({ boundaries: [], values: ["1"] }),
  ]) {
    expect(action).toThrow(/^Argument/);
  }
});

it("options and values are read-only", () => {
  const schedule = new PiecewiseConstantDecay({ boundaries: [1], values: [1, 2] });
  expectTypeOf(schedule.values).toEqualTypeOf<readonly number[]>();
  // @ts-expect-error read-only
  expect(() => schedule.values.push(3)).toThrow(TypeError);
  const cosine = new CosineDecay(rate);
  expectTypeOf(cosine.warmupTarget).toEqualTypeOf<number | null>();
  // @ts-expect-error read-only
  const change = () => (cosine.alpha = 1);
  expect(change).toBeTypeOf("function");
});

it("at gives a number of a number; every schedule is a Schedule", () => {
  const schedule = new CosineDecay(rate);
  expectTypeOf(schedule.at(3)).toEqualTypeOf<number>();
  expectTypeOf(schedule).toExtend<Schedule>();
  expectTypeOf(schedule).toExtend<LearningRateSchedule>();
  expectTypeOf(schedule.name).toEqualTypeOf<string>();
  // @ts-expect-error a string
  expect(() => schedule.at("3")).toThrow(TypeError);
  // @ts-expect-error nothing
  expect(() => schedule.at()).toThrow(TypeError);
});

it("fromConfig gives the class it is called on, deserialize a schedule", () => {
  const schedule = CosineDecay.fromConfig(new CosineDecay(rate).getConfig());
  expectTypeOf(schedule).toEqualTypeOf<CosineDecay>();
  expectTypeOf(
    PolynomialDecay.fromConfig({ initial_learning_rate: 1, decay_steps: 1 }),
  ).toEqualTypeOf<PolynomialDecay>();
  expectTypeOf(deserialize(serialize(schedule))).toEqualTypeOf<LearningRateSchedule>();
  expectTypeOf(serialize(schedule)).toExtend<Serialized>();
});

it("configurations have the keys of their class, all of them in what getConfig gives", () => {
  const config = new CosineDecay(rate).getConfig();
  expectTypeOf(config.warmup_target).toEqualTypeOf<number | null>();
  expectTypeOf(config.alpha).toEqualTypeOf<number>();
  expectTypeOf(config).toExtend<ScheduleConfig>();
  expectTypeOf(new PiecewiseConstantDecay({ boundaries: [], values: [1] }).getConfig().values).toEqualTypeOf<
    readonly number[]
  >();
  expectTypeOf(serialize(new CosineDecay(rate)).config).toEqualTypeOf<ScheduleConfig>();
  CosineDecay.fromConfig({ initial_learning_rate: 1, decay_steps: 1, alpha: undefined });
  for (const action of [
    // @ts-expect-error no decay_steps
    () => CosineDecay.fromConfig({ initial_learning_rate: 1 }),
    // @ts-expect-error an option's name
    () => CosineDecay.fromConfig({ initialLearningRate: 1, decaySteps: 1 }),
    // @ts-expect-error a string
    () => CosineDecay.fromConfig({ ...config, alpha: "1" }),
    // @ts-expect-error another class'
    () => ExponentialDecay.fromConfig(config),
    // @ts-expect-error no class
    () => deserialize({ config }),
    // @ts-expect-error text
    () => deserialize("CosineDecay"),
  ]) {
    expect(action).toThrow(/^Argument/);
  }
});

it("only objects with `at` are schedules for others; the base class is a type", () => {
  // @ts-expect-error a type
  expect(main.LearningRateSchedule).toBeUndefined();
  // @ts-expect-error a type
  expect(entry.LearningRateSchedule).toBeUndefined();
  // @ts-expect-error not public
  void CosineDecay.keys;
});

it("both entries have the same types", () => {
  expectTypeOf<entry.CosineDecay>().toEqualTypeOf<CosineDecay>();
  const schedule: LearningRateSchedule = new entry.ExponentialDecay({ ...rate, decayRate: 1 });
  expect(schedule).toBeInstanceOf(ExponentialDecay);
});
