// The options' types: what must compile does, and works; what must not compile is marked, and is an error at run time too.
import {
  type EpsilonMode,
  ExponentialDecay,
  type Hyperparameters,
  type LearningRate,
  LossScaleOptimizer,
  type LossScaleOptions,
  type MomentumMode,
  RMSprop,
  type RMSpropOptions,
  type WeightDecayMode,
} from "rmsprop-wasm";
import { describe, expect, expectTypeOf, it } from "vitest";

/** Each of these is marked as an error for the compiler; here they are one at run time. */
function refused(...actions: (() => unknown)[]): void {
  for (const action of actions) expect(action, action.toString()).toThrow(/^(Argument|Only one of)/);
}

const schedule = new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 });

describe("the ways of clipping", () => {
  it("compile, alone and as variables that may be null", () => {
    new RMSprop({ clipnorm: 1 });
    new RMSprop({ clipvalue: 1 });
    new RMSprop({ globalClipnorm: 1 });
    new RMSprop({ clipnorm: null, clipvalue: null, globalClipnorm: null });
    new RMSprop({ clipnorm: null, clipvalue: 1, globalClipnorm: undefined });
    const threshold = 1 as number | null;
    new RMSprop({ clipnorm: threshold });
  });

  it("are a RangeError where an optimizer is made with two", () => {
    const threshold = 1 as number | null;
    for (const make of [
      () => new RMSprop({ clipnorm: 1, clipvalue: 1 }),
      () => new RMSprop({ clipvalue: 0, globalClipnorm: 0 }),
      () => new RMSprop({ clipnorm: 1, clipvalue: null, globalClipnorm: 1 }),
      () => new RMSprop({ clipnorm: 1, clipvalue: 1, globalClipnorm: 1 }),
      () => new RMSprop({ clipnorm: threshold, clipvalue: threshold }),
      () => RMSprop.fromConfig({ clipnorm: 1, clipvalue: 1 }),
    ]) {
      expect(make, make.toString()).toThrow(RangeError);
      expect(make, make.toString()).toThrow(/^Only one of clipnorm, globalClipnorm and clipvalue can be set; received/);
    }
  });
});

describe("options of the average", () => {
  it("compile with any useEma", () => {
    new RMSprop({ useEma: true });
    new RMSprop({ useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 3 });
    new RMSprop({ useEma: true, emaOverwriteFrequency: null, emaMomentum: undefined });
    new RMSprop({ useEma: false });
    new RMSprop({ useEma: undefined, emaMomentum: undefined });
    const flag = true as boolean;
    new RMSprop({ useEma: flag });
    new RMSprop({ useEma: flag, emaMomentum: 0.5 });
    new RMSprop({ useEma: (flag || undefined) as boolean | undefined, emaOverwriteFrequency: 2 });
    const options = { useEma: true, emaMomentum: 0.5 };
    expect(new RMSprop(options).emaMomentum).toBe(0.5);
  });

  it("are not looked at without useEma, as in Keras, but with it", () => {
    expect(new RMSprop({ emaMomentum: 0.5, emaOverwriteFrequency: 3 }).useEma).toBe(false);
    expect(new RMSprop({ useEma: false, emaMomentum: 2 }).emaMomentum).toBe(2);
    expect(() => new RMSprop({ useEma: true, emaMomentum: 2 })).toThrow(/`emaMomentum` must be in the range \[0, 1\]/);
    expect(() => new RMSprop({ emaMomentum: Number.NaN })).toThrow(RangeError);
  });
});

describe("other options", () => {
  it("compile alone and together", () => {
    const all: RMSpropOptions = {
      learningRate: 0.1,
      name: "n",
      rho: 0.5,
      momentum: 0.5,
      epsilon: 1e-3,
      centered: true,
      weightDecay: 0.1,
      clipnorm: 1,
      useEma: true,
      emaMomentum: 0.5,
      emaOverwriteFrequency: 2,
      lossScaleFactor: 2,
      gradientAccumulationSteps: 2,
      epsilonMode: "outside",
      momentumMode: "torch",
      weightDecayMode: "coupled",
      maximize: true,
      initialVelocity: 1,
    };
    expect(new RMSprop(all)).toBeInstanceOf(RMSprop);
    new RMSprop({ weightDecay: null, lossScaleFactor: null, gradientAccumulationSteps: null });
    new RMSprop();
    new RMSprop(undefined);
    new RMSprop({});
  });

  it("compile read-only, spread, and as a parameter", () => {
    const base = { rho: 0.5, clipnorm: 1 } as const;
    const options: RMSpropOptions = { ...base, momentum: 0.5 };
    expect(new RMSprop({ ...options, rho: 0.25 }).rho).toBe(0.25);
    const make = (given: RMSpropOptions = {}) => new RMSprop({ ...given, centered: true });
    expect(make({ useEma: true, emaMomentum: 0.5 }).emaMomentum).toBe(0.5);
    expect(make({ globalClipnorm: 2 }).globalClipnorm).toBe(2);
  });

  it("are an interface, and can be wrapped as one", () => {
    interface Training extends RMSpropOptions {
      readonly epochs: number;
    }
    const train = ({ epochs, ...options }: Training) => [epochs, new RMSprop({ ...options, momentum: 0.5 })] as const;
    expect(train({ epochs: 3, clipnorm: 1 })[1].clipnorm).toBe(1);

    const slow = (options: Omit<RMSpropOptions, "learningRate" | "name">) =>
      new RMSprop({ ...options, learningRate: 0.5 });
    expect(slow({ useEma: true, emaMomentum: 0.5, clipvalue: 2 }).clipvalue).toBe(2);
    // @ts-expect-error left out
    expect(slow({ learningRate: 0.1 }).learningRate).toBe(0.5);

    const some = (options: Pick<RMSpropOptions, "rho" | "momentum">) => new RMSprop(options);
    expect(some({ rho: 0.5 }).rho).toBe(0.5);

    const merged = (defaults: RMSpropOptions, options: RMSpropOptions) => new RMSprop({ ...defaults, ...options });
    expect(merged({ rho: 0.5, clipvalue: 1 }, { rho: 0.25 })).toMatchObject({ rho: 0.25, clipvalue: 1 });
    expect(() => merged({ clipnorm: 1 }, { clipvalue: 1 })).toThrow(RangeError);

    class Settings implements RMSpropOptions {
      readonly rho = 0.5;
    }
    expect(new RMSprop(new Settings()).rho).toBe(0.5);
    type Writable = { -readonly [Name in keyof RMSpropOptions]: RMSpropOptions[Name] };
    const later: Writable = {};
    later.centered = true;
    expect(new RMSprop(later).centered).toBe(true);
  });

  it("are read from getters of a class too", () => {
    class Settings {
      #rho = 0.25;
      get rho(): number {
        return this.#rho;
      }
      get learningRate(): number {
        return 2 * this.#rho;
      }
      get name(): string {
        return "settings";
      }
    }
    expect(new RMSprop(new Settings())).toMatchObject({ rho: 0.25, learningRate: 0.5, name: "settings" });
  });

  it("compile, but are refused, if they are an object that happens to have a name", () => {
    refused(() => new RMSprop(schedule));
  });

  it("do not compile if they are unknown or of another type", () => {
    refused(
      // @ts-expect-error unknown
      () => new RMSprop({ rhoo: 0.9 }),
      // @ts-expect-error Keras' name
      () => new RMSprop({ weight_decay: 0.1 }),
      // @ts-expect-error a string
      () => new RMSprop({ rho: "0.9" }),
      // @ts-expect-error null
      () => new RMSprop({ rho: null }),
      // @ts-expect-error null
      () => new RMSprop({ momentum: null }),
      // @ts-expect-error null
      () => new RMSprop({ centered: null }),
      // @ts-expect-error a number
      () => new RMSprop({ centered: 1 }),
      // @ts-expect-error another word
      () => new RMSprop({ epsilonMode: "under" }),
      // @ts-expect-error null
      () => new RMSprop({ momentumMode: null }),
      // @ts-expect-error a boolean
      () => new RMSprop({ weightDecay: true }),
      // @ts-expect-error a bigint
      () => new RMSprop({ gradientAccumulationSteps: 2n }),
      // @ts-expect-error no options
      () => new RMSprop(0.1),
      // @ts-expect-error null
      () => new RMSprop(null),
      // @ts-expect-error a number
      () => new RMSprop({ name: 1 }),
    );
  });
});

describe("learning rates", () => {
  it("are numbers, schedules, what has `at`, and functions of the step or of nothing", () => {
    const rates: LearningRate[] = [0.1, schedule, { at: (step) => step }, (step: number) => step, () => 0.1];
    for (const learningRate of rates) new RMSprop({ learningRate });
    new RMSprop({ learningRate: (step) => 1 / (step + 1) });
    class Warmup {
      at(step: number): number {
        return step / 10;
      }
    }
    new RMSprop({ learningRate: new Warmup() });
  });

  it("are nothing else", () => {
    refused(
      // @ts-expect-error a string
      () => new RMSprop({ learningRate: "0.1" }),
      // @ts-expect-error null
      () => new RMSprop({ learningRate: null }),
      // @ts-expect-error a list
      () => new RMSprop({ learningRate: [0.1] }),
      // @ts-expect-error no schedule
      () => new RMSprop({ learningRate: {} }),
      // @ts-expect-error a list
      () => new RMSprop({ learningRate: new Float32Array(1) }),
    );
    // @ts-expect-error of a string
    new RMSprop({ learningRate: (step: string) => step.length });
    // @ts-expect-error gives a string
    expect(() => new RMSprop({ learningRate: () => "0.1" }).learningRate).toThrow(TypeError);
    // @ts-expect-error gives a promise
    expect(() => new RMSprop({ learningRate: async () => 0.1 }).learningRate).toThrow(TypeError);
    // @ts-expect-error gives nothing
    expect(() => new RMSprop({ learningRate: () => {} }).learningRate).toThrow(TypeError);
    // @ts-expect-error a class is no schedule
    expect(() => new RMSprop({ learningRate: ExponentialDecay }).learningRate).toThrow(TypeError);
  });

  it("are read as numbers and written as any of them", () => {
    const optimizer = new RMSprop();
    expectTypeOf(optimizer.learningRate).toEqualTypeOf<number>();
    optimizer.learningRate = 0.5;
    optimizer.learningRate = schedule;
    optimizer.learningRate = (step) => step;
    // @ts-expect-error a string
    expect(() => (optimizer.learningRate = "0.1")).toThrow(TypeError);
  });
});

describe("properties", () => {
  it("have the types of the hyper-parameters, and can be set", () => {
    const optimizer = new RMSprop();
    expectTypeOf(optimizer).toExtend<Hyperparameters>();
    expectTypeOf(optimizer.rho).toEqualTypeOf<number>();
    expectTypeOf(optimizer.centered).toEqualTypeOf<boolean>();
    expectTypeOf(optimizer.epsilonMode).toEqualTypeOf<EpsilonMode>();
    expectTypeOf(optimizer.weightDecayMode).toEqualTypeOf<WeightDecayMode>();
    expectTypeOf(optimizer.getConfig().maximize).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(optimizer.getConfig().initial_velocity).toEqualTypeOf<number | undefined>();
    expectTypeOf(optimizer.getConfig().momentum_mode).toEqualTypeOf<MomentumMode | undefined>();
    expectTypeOf(optimizer.weightDecay).toEqualTypeOf<number | null>();
    expectTypeOf(optimizer.gradientAccumulationSteps).toEqualTypeOf<number | null>();
    optimizer.rho = 0.5;
    optimizer.weightDecay = null;
    // @ts-expect-error null
    expect(() => (optimizer.rho = null)).toThrow(TypeError);
    // @ts-expect-error undefined
    expect(() => (optimizer.clipnorm = undefined)).toThrow(TypeError);
  });
});

describe("LossScaleOptions", () => {
  it("compile", () => {
    const options: LossScaleOptions = {
      initialScale: 8,
      dynamicGrowthSteps: 3,
      minimumScale: 1,
      maximumScale: 16,
      name: "n",
    };
    new LossScaleOptimizer(new RMSprop(), options);
    new LossScaleOptimizer(new RMSprop());
  });

  it("do not compile if they are wrong, or the inner optimizer's", () => {
    refused(
      // @ts-expect-error no optimizer
      () => new LossScaleOptimizer({}),
      // @ts-expect-error two of them
      () => new LossScaleOptimizer(new LossScaleOptimizer(new RMSprop())),
      // @ts-expect-error a string
      () => new LossScaleOptimizer(new RMSprop(), { initialScale: "8" }),
      // @ts-expect-error unknown
      () => new LossScaleOptimizer(new RMSprop(), { foo: 1 }),
      // @ts-expect-error the inner optimizer's
      () => new LossScaleOptimizer(new RMSprop(), { clipnorm: 1 }),
    );
  });
});
