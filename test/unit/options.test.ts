// The constructor's options and the properties of the same names: defaults, limits, and changes before and after build.
import { LossScaleOptimizer, RMSprop, type RMSpropOptions, StateError, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends } from "./support.js";

const DEFAULTS = {
  learningRate: Math.fround(0.001),
  rho: 0.9,
  momentum: 0,
  epsilon: 1e-7,
  centered: false,
  weightDecay: null,
  clipnorm: null,
  clipvalue: null,
  globalClipnorm: null,
  useEma: false,
  emaMomentum: 0.99,
  emaOverwriteFrequency: null,
  lossScaleFactor: null,
  gradientAccumulationSteps: null,
  epsilonMode: "inside",
  momentumMode: "keras",
  weightDecayMode: "decoupled",
  maximize: false,
  initialVelocity: 0,
};

/** One other value for each. */
const OTHERS = {
  learningRate: 0.5,
  rho: 0.5,
  momentum: 0.25,
  epsilon: 0.125,
  centered: true,
  weightDecay: 0.0625,
  clipnorm: 1,
  useEma: true,
  emaMomentum: 0.75,
  emaOverwriteFrequency: 3,
  lossScaleFactor: 4,
  gradientAccumulationSteps: 2,
  epsilonMode: "outside",
  momentumMode: "torch",
  weightDecayMode: "coupled",
  maximize: true,
  initialVelocity: 1,
} as const;

describe("options", () => {
  it("are Keras' defaults when there are none", () => {
    for (const optimizer of [new RMSprop(), new RMSprop({}), new RMSprop(undefined)]) {
      expect(optimizer).toMatchObject(DEFAULTS);
    }
  });

  it("are kept, and readable by the same names", () => {
    expect(new RMSprop(OTHERS)).toMatchObject({ ...DEFAULTS, ...OTHERS });
    expect(new RMSprop({ clipvalue: 2 }).clipvalue).toBe(2);
    expect(new RMSprop({ globalClipnorm: 3 }).globalClipnorm).toBe(3);
  });

  it("that are undefined are not given", () => {
    const undefineds = Object.fromEntries(Object.keys({ ...DEFAULTS, name: "" }).map((key) => [key, undefined]));
    expect(new RMSprop(undefineds)).toMatchObject(DEFAULTS);
  });

  it("are not changed and not kept as an object", () => {
    const options = { rho: 0.5, clipnorm: 1 };
    const frozen = Object.freeze({ ...options });
    const optimizer = new RMSprop(options);
    options.rho = 0.1;
    expect(optimizer.rho).toBe(0.5);
    expect(new RMSprop(frozen).clipnorm).toBe(1);
  });

  it("are read wherever a class has them, but not where others put them", () => {
    class Settings {
      centered = true;
      get rho(): number {
        return 0.5;
      }
      get gradientDtype(): "float16" {
        return "float16";
      }
    }
    class Scale {
      get initialScale(): number {
        return 8;
      }
    }
    class More extends Settings {
      override get rho(): number {
        return super.rho / 2;
      }
    }
    const more = new More();
    expect(new RMSprop(Object.create({ rho: 0.5 }))).toMatchObject({ rho: 0.5 });
    expect(new Variable(1, Object.create(more))).toMatchObject({ gradientDtype: "float16" });
    expect(new LossScaleOptimizer(new RMSprop(), new Scale())).toMatchObject({ initialScale: 8 });
    expect(new RMSprop(more)).toMatchObject({ centered: true, rho: 0.25 });
    Object.assign(Object.prototype, { rho: 0.75 });
    try {
      expect(new RMSprop({ centered: true }).rho).toBe(0.9);
      expect(new RMSprop(Object.create(null)).rho).toBe(0.9);
    } finally {
      Reflect.deleteProperty(Object.prototype, "rho");
    }
  });

  it("accept what Keras does not check", () => {
    const odd: RMSpropOptions[] = [
      { learningRate: -0.1 },
      { learningRate: 0 },
      { rho: 5 },
      { rho: -1 },
      { momentum: -1 },
      { momentum: 2 },
      { epsilon: 0 },
      { epsilon: -1 },
      { weightDecay: -0.1 },
      { lossScaleFactor: 0 },
      { clipnorm: 0 },
      { clipvalue: -1 },
      { gradientAccumulationSteps: 0 },
      { useEma: true, emaOverwriteFrequency: 0 },
      { useEma: true, emaMomentum: 1 },
      { useEma: true, emaMomentum: 0 },
    ];
    for (const options of odd)
      expect(new RMSprop(options)).toMatchObject({ ...options, learningRate: expect.any(Number) });
  });
});

describe("properties", () => {
  it("can be set before build, with the bits of the constructor's options", () => {
    const train = (optimizer: RMSprop) => {
      const w = new Variable(noise(20));
      for (let step = 0; step < 6; step++) optimizer.apply([noise(20, step)], [w]);
      return bits(w.value);
    };
    const optimizer = new RMSprop();
    Object.assign(optimizer, OTHERS);
    expect(optimizer).toMatchObject(OTHERS);
    expect(train(optimizer)).toEqual(train(new RMSprop(OTHERS)));
  });

  it("are checked like the constructor's options, and keep their value if the new one is wrong", () => {
    const optimizer = new RMSprop({ clipnorm: 1 });
    const wrong: [keyof RMSpropOptions, unknown, RegExp][] = [
      ["rho", Number.NaN, /`rho` must be a finite number; received NaN/],
      ["rho", "0.9", /`rho` must be a finite number; received "0.9"/],
      ["rho", undefined, /`rho` must be a finite number; received undefined/],
      ["epsilon", null, /`epsilon` must be a finite number; received null/],
      ["centered", 1, /`centered` must be true or false; received 1/],
      ["weightDecay", Number.POSITIVE_INFINITY, /`weightDecay` must be a finite number; received Infinity/],
      ["clipvalue", 1, /Only one of clipnorm, globalClipnorm and clipvalue/],
      ["gradientAccumulationSteps", 1, /`gradientAccumulationSteps` must be a whole number from 2/],
      ["gradientAccumulationSteps", 2.5, /`gradientAccumulationSteps` must be a whole number from 2/],
    ];
    const before = optimizer.getConfig();
    for (const [option, value, pattern] of wrong) {
      const set = () => Object.assign(optimizer, { [option]: value });
      expect(errorOf(set).message).toMatch(pattern);
    }
    expect(optimizer.getConfig()).toEqual(before);
    optimizer.clipnorm = null;
    optimizer.clipvalue = 1;
    expect(optimizer.clipvalue).toBe(1);
  });

  it("of the average are checked only while it is used", () => {
    const optimizer = new RMSprop();
    optimizer.emaMomentum = 5;
    optimizer.emaOverwriteFrequency = -1;
    expect(() => {
      optimizer.useEma = true;
    }).toThrow(RangeError);
    expect(optimizer.useEma).toBe(false);
    optimizer.emaMomentum = 0.5;
    optimizer.emaOverwriteFrequency = null;
    optimizer.useEma = true;
    expect(optimizer.useEma).toBe(true);
  });
});

onBothBackends((runtime) => {
  it("properties set after build count from the next step on", () => {
    const start = { momentum: 0.5, centered: true, useEma: true, clipnorm: 1 } as const;
    const changes: [keyof typeof OTHERS | "clipvalue", never][] = [
      ["rho", 0.5],
      ["epsilon", 0.125],
      ["epsilonMode", "outside"],
      ["momentum", 0.9],
      ["momentum", 0],
      ["momentum", 0.25],
      ["centered", false],
      ["centered", true],
      ["weightDecay", 0.0625],
      ["weightDecayMode", "coupled"],
      ["weightDecay", 0],
      ["weightDecay", 0.0625],
      ["maximize", true],
      ["weightDecayMode", "decoupled"],
      ["clipnorm", null],
      ["clipvalue", 0.25],
      ["lossScaleFactor", 4],
      ["emaMomentum", 0.75],
      ["emaOverwriteFrequency", 3],
      ["useEma", false],
      ["useEma", true],
      ["learningRate", 0.5],
    ] as [keyof typeof OTHERS, never][];
    const w = new Variable(noise(20), { runtime });
    const optimizer = new RMSprop(start);
    const step = (target: RMSprop, variable: Variable) => target.apply([noise(20, 7)], [variable]);
    step(optimizer, w);
    for (const [option, value] of changes) {
      const copy = new Variable(w.value, { runtime });
      const twin = RMSprop.fromConfig(optimizer.getConfig());
      twin.momentum = 0.5;
      twin.centered = true;
      twin.useEma = true;
      twin.build([copy]);
      twin.loadOwnVariables(optimizer.saveOwnVariables());
      Object.assign(twin, { momentum: optimizer.momentum, centered: optimizer.centered, useEma: optimizer.useEma });
      Object.assign(twin, { [option]: value });
      Object.assign(optimizer, { [option]: value });
      step(optimizer, w);
      step(twin, copy);
      expect(bits(w.value), option).toEqual(bits(copy.value));
    }
  });

  it("what needs state cannot be switched on after build", () => {
    const w = new Variable(noise(3), { runtime });
    const optimizer = new RMSprop();
    optimizer.apply([noise(3)], [w]);
    const before = optimizer.getConfig();
    for (const [option, value, slot] of [
      ["momentum", 0.5, "momentum"],
      ["centered", true, "average_gradient"],
      ["useEma", true, "average"],
      ["gradientAccumulationSteps", 2, "gradient_accumulator"],
    ] as const) {
      const error = errorOf(() => Object.assign(optimizer, { [option]: value }));
      expect(error).toBeInstanceOf(StateError);
      expect(error.message).toContain(`\`${option}\` cannot become ${value} after build: there is no ${slot} slot`);
    }
    expect(optimizer.getConfig()).toEqual(before);
    // Without a buffer there is nothing to mistake.
    optimizer.momentumMode = "torch";
    optimizer.momentum = -1;
    optimizer.gradientAccumulationSteps = 0;
    optimizer.apply([noise(3)]);
    expect(optimizer.iterations).toBe(2);
  });

  it("what had state when it was built can be switched off and on again", () => {
    const w = new Variable(noise(3), { runtime });
    const optimizer = new RMSprop({ momentum: 0.5, centered: true, useEma: true, gradientAccumulationSteps: 2 });
    optimizer.build([w]);
    const off = { momentum: 0, centered: false, useEma: false, gradientAccumulationSteps: null };
    const on = { momentum: 0.25, centered: true, useEma: true, gradientAccumulationSteps: 3 };
    for (const settings of [off, on, off, on]) {
      Object.assign(optimizer, settings);
      optimizer.apply([noise(3)]);
      expect(optimizer).toMatchObject(settings);
    }
  });

  it("without accumulation the accumulators are not used and stay as they are", () => {
    const [w, o] = [new Variable(noise(9), { runtime }), new Variable([0], { overwriteWithGradient: true, runtime })];
    const optimizer = new RMSprop({ gradientAccumulationSteps: 2 });
    optimizer.apply([noise(9, 2), [5]], [w, o]);
    const accumulated = optimizer.slot("gradient_accumulator", w)!.slice();
    optimizer.gradientAccumulationSteps = null;
    const [copy, plain] = [new Variable(w.value, { runtime }), new RMSprop()];
    optimizer.apply([noise(9, 3), [3]]);
    plain.apply([noise(9, 3)], [copy]);
    expect(bits(w.value)).toEqual(bits(copy.value));
    expect(o.value[0]).toBe(3);
    expect(bits(optimizer.slot("gradient_accumulator", w)!)).toEqual(bits(accumulated));
    expect(optimizer.slot("gradient_accumulator", o)![0]).toBe(5);
  });
});

describe("LossScaleOptimizer", () => {
  it("has Keras' defaults, and takes a static factor from its inner optimizer", () => {
    const inner = new RMSprop({ lossScaleFactor: 8 });
    const optimizer = new LossScaleOptimizer(inner);
    expect(optimizer).toMatchObject({
      initialScale: 2 ** 15,
      dynamicGrowthSteps: 2000,
      dynamicScale: 2 ** 15,
      stepCounter: 0,
    });
    expect(inner.lossScaleFactor).toBeNull();
    expect(optimizer.innerOptimizer).toBe(inner);
  });

  it("leaves the inner optimizer alone if its own options are wrong", () => {
    const inner = new RMSprop({ lossScaleFactor: 8 });
    expect(() => new LossScaleOptimizer(inner, { initialScale: Number.NaN })).toThrow(RangeError);
    expect(() => new LossScaleOptimizer(inner, { name: "a/b" })).toThrow(TypeError);
    expect(inner.lossScaleFactor).toBe(8);
  });
});
