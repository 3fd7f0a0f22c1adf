// Keras' configurations: getConfig, fromConfig, (de)serialized schedules, and their JSON text.
import {
  CosineDecay,
  CosineDecayRestarts,
  deserialize,
  ExponentialDecay,
  InverseTimeDecay,
  LossScaleOptimizer,
  PiecewiseConstantDecay,
  PolynomialDecay,
  RMSprop,
  serialize,
  stringifyConfig,
} from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { errorOf } from "./support.js";

const SCHEDULES = [
  new ExponentialDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 0.9, staircase: true }),
  new InverseTimeDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 0.9, name: "mine" }),
  new PiecewiseConstantDecay({ boundaries: [1, 5], values: [1, 0.5, 0.25] }),
  new PolynomialDecay({ initialLearningRate: 0.5, decaySteps: 10, power: 2, cycle: true, endLearningRate: 0.1 }),
  new CosineDecay({ initialLearningRate: 0.5, decaySteps: 10, alpha: 0.1, warmupTarget: 1, warmupSteps: 5 }),
  new CosineDecay({ initialLearningRate: 0.5, decaySteps: 10 }),
  new CosineDecayRestarts({ initialLearningRate: 0.5, firstDecaySteps: 10, tMul: 1.5, mMul: 0.5, alpha: 0.1 }),
];

const steps = [0, 1, 2, 5, 7, 10, 11, 25, 100];

describe("getConfig", () => {
  it("has Keras' keys in Keras' order, and the float32 learning rate", () => {
    expect(Object.entries(new RMSprop({ name: "o", learningRate: 0.1 }).getConfig())).toEqual([
      ["name", "o"],
      ["learning_rate", 0.10000000149011612],
      ["weight_decay", null],
      ["clipnorm", null],
      ["global_clipnorm", null],
      ["clipvalue", null],
      ["use_ema", false],
      ["ema_momentum", 0.99],
      ["ema_overwrite_frequency", null],
      ["loss_scale_factor", null],
      ["gradient_accumulation_steps", null],
      ["rho", 0.9],
      ["momentum", 0],
      ["epsilon", 1e-7],
      ["centered", false],
    ]);
  });

  it("holds what Keras does not have only where Keras must not compute something else", () => {
    const keys = Object.keys(new RMSprop().getConfig());
    expect(Object.keys(new RMSprop({ epsilonMode: "inside", momentumMode: "keras" }).getConfig())).toEqual(keys);
    const config = new RMSprop({ epsilonMode: "outside" }).getConfig();
    expect(Object.keys(config)).toEqual([...keys, "epsilon_mode"]);
    expect(config.epsilon_mode).toBe("outside");
    expect(Object.keys(new RMSprop({ momentumMode: "torch" }).getConfig())).toEqual([...keys, "momentum_mode"]);
    expect(Object.keys(new RMSprop({ weightDecayMode: "coupled", maximize: true }).getConfig())).toEqual([
      ...keys,
      "weight_decay_mode",
      "maximize",
    ]);
    expect(Object.keys(new RMSprop({ initialVelocity: 1 }).getConfig())).toEqual([...keys, "initial_velocity"]);
    const both = new RMSprop({ epsilonMode: "outside", momentumMode: "torch", rho: 0.5 });
    const restored = RMSprop.fromConfig(JSON.parse(stringifyConfig(both.getConfig())));
    expect(restored).toMatchObject({ epsilonMode: "outside", momentumMode: "torch", rho: 0.5 });
    expect(restored.getConfig()).toEqual(both.getConfig());
  });

  it("of a LossScaleOptimizer holds the inner optimizer, serialized", () => {
    const optimizer = new LossScaleOptimizer(new RMSprop({ name: "i", rho: 0.5 }), { name: "o", initialScale: 8 });
    expect(optimizer.getConfig()).toEqual({
      name: "o",
      inner_optimizer: {
        module: "keras.optimizers",
        class_name: "RMSprop",
        config: new RMSprop({ name: "i", rho: 0.5 }).getConfig(),
        registered_name: null,
      },
      initial_scale: 8,
      dynamic_growth_steps: 2000,
    });
  });

  it("holds schedules serialized, functions by their name", () => {
    const [schedule] = SCHEDULES;
    expect(new RMSprop({ learningRate: schedule! }).getConfig().learning_rate).toEqual({
      module: "keras.optimizers.schedules",
      class_name: "ExponentialDecay",
      config: {
        initial_learning_rate: 0.5,
        decay_steps: 10,
        decay_rate: 0.9,
        staircase: true,
        name: "ExponentialDecay",
      },
      registered_name: null,
    });
    function warmUp(step: number) {
      return step / 10;
    }
    expect(new RMSprop({ learningRate: warmUp }).getConfig().learning_rate).toEqual({
      module: "builtins",
      class_name: "function",
      config: "warmUp",
      registered_name: "function",
    });
  });

  it("holds schedules that are not Keras' by their class, with their own getConfig if there is one", () => {
    class Mine {
      at = () => 0.5;
      getConfig = () => ({ factor: 2 });
    }
    const bare = Object.assign(Object.create(null), { at: () => 0.5 });
    expect(new RMSprop({ learningRate: new Mine() }).getConfig().learning_rate).toEqual({
      module: null,
      class_name: "Mine",
      config: { factor: 2 },
      registered_name: "Mine",
    });
    expect(new RMSprop({ learningRate: bare }).getConfig().learning_rate).toMatchObject({
      class_name: "Object",
      config: {},
    });
  });

  it("has no name that is not a text", () => {
    class Odd {
      static name(): string {
        return "odd";
      }
      at = () => 0.5;
    }
    expect(new RMSprop({ learningRate: new Odd() }).getConfig().learning_rate).toMatchObject({ class_name: "Object" });
    const rate = Object.defineProperty(() => 0.5, "name", { value: () => 1 });
    expect(new RMSprop({ learningRate: rate }).getConfig().learning_rate).toMatchObject({ config: "" });
    expect(errorOf(() => new RMSprop({ rho: Odd as never })).message).toMatch(/received a function\.$/);
  });

  it("is a copy: changing it changes nothing", () => {
    const optimizer = new RMSprop();
    Object.assign(optimizer.getConfig(), { rho: 7 });
    expect(optimizer.rho).toBe(0.9);
  });
});

describe("fromConfig", () => {
  it.each(SCHEDULES)("and getConfig are inverse, with schedule %#", (schedule) => {
    const optimizer = new RMSprop({ learningRate: schedule, momentum: 0.5, clipvalue: 1, weightDecay: 0.1 });
    const config = JSON.parse(JSON.stringify(optimizer.getConfig()));
    const copy = structuredClone(config);
    const restored = RMSprop.fromConfig(config);
    expect(config).toEqual(copy);
    expect(restored.getConfig()).toEqual(optimizer.getConfig());
    expect(restored.learningRate).toBe(optimizer.learningRate);
  });

  it("takes any part of a configuration", () => {
    expect(RMSprop.fromConfig({})).toMatchObject({ rho: 0.9, learningRate: Math.fround(0.001) });
    expect(RMSprop.fromConfig({ rho: 0.5 }).rho).toBe(0.5);
    expect(RMSprop.fromConfig({ use_ema: true, ema_momentum: 0.5 }).emaMomentum).toBe(0.5);
    expect(RMSprop.fromConfig({ learning_rate: 0.5, name: "n" })).toMatchObject({ learningRate: 0.5, name: "n" });
  });

  it("lets Keras' retired `decay` through, as Keras does", () => {
    const config: object = { decay: 0.1, rho: 0.5 };
    expect(RMSprop.fromConfig(config).getConfig()).not.toHaveProperty("decay");
    // The golden vectors hold Keras' constructor to it too. It is in no list of what can be given.
    expect(new RMSprop(config).rho).toBe(0.5);
    expect(errorOf(() => new RMSprop({ ...config, lr: 1 } as object)).message).not.toMatch(/\bdecay\b/);
  });

  it("refuses keys that Keras refuses, and camelCase ones", () => {
    for (const key of ["jit_compile", "weightDecay", "__proto__", "constructor"]) {
      const error = errorOf(() => RMSprop.fromConfig(JSON.parse(`{"${key}": 1}`)));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`unknown key "${key}"`);
    }
  });

  it("refuses a function, of which only the name is known", () => {
    const config = new RMSprop({ learningRate: () => 0.1 }).getConfig();
    expect(errorOf(() => RMSprop.fromConfig(config)).message).toMatch(/was a function cannot be restored/);
  });

  it("of a LossScaleOptimizer restores both", () => {
    const optimizer = new LossScaleOptimizer(new RMSprop({ learningRate: SCHEDULES[4]!, rho: 0.5 }), {
      initialScale: 4,
      dynamicGrowthSteps: -1,
    });
    const config = JSON.parse(JSON.stringify(optimizer.getConfig()));
    const restored = LossScaleOptimizer.fromConfig(config);
    expect(restored.getConfig()).toEqual(optimizer.getConfig());
    expect(restored).toMatchObject({ initialScale: 4, dynamicGrowthSteps: -1, dynamicScale: 4 });
    config.inner_optimizer.class_name = "rmsprop";
    expect(LossScaleOptimizer.fromConfig(config).innerOptimizer.rho).toBe(0.5);
  });
});

describe("schedules", () => {
  it.each(SCHEDULES)("%# survives serialize and deserialize, in any case of the class name", (schedule) => {
    const json = JSON.parse(JSON.stringify(serialize(schedule)));
    for (const restored of [deserialize(json), deserialize({ ...json, class_name: json.class_name.toUpperCase() })]) {
      expect(restored).toBeInstanceOf(schedule.constructor);
      expect(restored.getConfig()).toEqual(schedule.getConfig());
      expect(steps.map((step) => restored.at(step))).toEqual(steps.map((step) => schedule.at(step)));
    }
  });

  it.each(SCHEDULES)("%# survives its class's own fromConfig", (schedule) => {
    const Schedule = schedule.constructor as typeof ExponentialDecay;
    // Which of the classes it is, TypeScript cannot tell.
    const config = schedule.getConfig() as ReturnType<ExponentialDecay["getConfig"]>;
    expect(Schedule.fromConfig(config).getConfig()).toEqual(schedule.getConfig());
  });

  it("are the same classes in both entries", async () => {
    const entry = await import("rmsprop-wasm/schedules");
    expect(entry.ExponentialDecay).toBe(ExponentialDecay);
    expect(entry.deserialize).toBe(deserialize);
  });
});

it("what others put on Object.prototype is no part of a configuration", () => {
  const config = new LossScaleOptimizer(new RMSprop()).getConfig();
  const { initial_scale, dynamic_growth_steps, ...others } = config;
  const polluted = Object.prototype as Record<string, unknown>;
  try {
    Object.assign(polluted, { initial_scale: 2, dynamic_growth_steps: 3 });
    expect(LossScaleOptimizer.fromConfig(others).getConfig()).toEqual(config);
  } finally {
    for (const key of ["initial_scale", "dynamic_growth_steps"]) delete polluted[key];
  }
});

describe("stringifyConfig", () => {
  it("writes floats as floats and counts as counts, so that Keras reads them as what they are", () => {
    expect(
      stringifyConfig({ rho: 1, epsilon: 1e-7, large: 1e21, momentum: 0, centered: true, name: "a", no: null }),
    ).toBe('{"rho": 1.0, "epsilon": 1e-7, "large": 1e+21, "momentum": 0.0, "centered": true, "name": "a", "no": null}');
    expect(
      stringifyConfig({ gradient_accumulation_steps: 2, ema_overwrite_frequency: 3, dynamic_growth_steps: 4 }),
    ).toBe('{"gradient_accumulation_steps": 2, "ema_overwrite_frequency": 3, "dynamic_growth_steps": 4}');
    expect(stringifyConfig(SCHEDULES[2]!.getConfig())).toBe(
      '{"boundaries": [1, 5], "values": [1.0, 0.5, 0.25], "name": "PiecewiseConstant"}',
    );
  });

  it("keeps the sign of 0, and texts apart from numbers", () => {
    expect(stringifyConfig({ epsilon: -0, list: [-0, 0], name: "-0", text: '"', warmup_steps: 0 })).toBe(
      '{"epsilon": -0.0, "list": [-0.0, 0.0], "name": "-0", "text": "\\"", "warmup_steps": 0}',
    );
    expect(stringifyConfig({ boxed: [Object(1), Object("1")] })).toBe('{"boxed": [1.0, "1"]}');
    const { epsilon } = RMSprop.fromConfig(JSON.parse(stringifyConfig(new RMSprop({ epsilon: -0 }).getConfig())));
    expect(Object.is(epsilon, -0)).toBe(true);
  });

  it("leaves out, and puts null for, what JSON does", () => {
    const [nothing, date] = [{ toJSON: () => undefined }, new Date(0)];
    const config = { call: () => 1, symbol: Symbol("s"), none: undefined, nothing, date, nan: Number.NaN };
    expect(stringifyConfig(config)).toBe('{"date": "1970-01-01T00:00:00.000Z", "nan": null}');
    expect(stringifyConfig({ list: [() => 1, undefined, Symbol("s"), nothing, 1] })).toBe(
      '{"list": [null, null, null, null, 1.0]}',
    );
    expect(errorOf(() => stringifyConfig(() => 1)).message).toMatch(/`config` must be an object; received a function/);
  });

  it.each(SCHEDULES)("is JSON of the same values: schedule %#", (schedule) => {
    const optimizer = new LossScaleOptimizer(new RMSprop({ learningRate: schedule, gradientAccumulationSteps: 2 }));
    expect(JSON.parse(stringifyConfig(optimizer.getConfig()))).toEqual(optimizer.getConfig());
    expect(LossScaleOptimizer.fromConfig(JSON.parse(stringifyConfig(optimizer.getConfig()))).getConfig()).toEqual(
      optimizer.getConfig(),
    );
  });
});
