// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.
import { defaultRuntime, type Runtime } from "../../memory/runtime.js";
import { EVALUATE, KEYS } from "../../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "../schedule.js";

/** Options of `new ExponentialDecay`. */
export interface ExponentialDecayOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps per factor of `decayRate`; above 0. */
  readonly decaySteps: number;
  /** The factor. */
  readonly decayRate: number;
  /** Decay once every `decaySteps` instead of at each step. Default false. */
  readonly staircase?: boolean | undefined;
  /** Default `ExponentialDecay`. */
  readonly name?: string | undefined;
}

/**
 * `initialLearningRate * decayRate ** (step / decaySteps)`
 *
 * ```ts
 * const rate = new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.5, staircase: true });
 * rate.at(1500); // 0.05
 * ```
 */
export class ExponentialDecay extends LearningRateSchedule<ScheduleConfigOf<ExponentialDecayOptions>> {
  /** @internal */
  static override readonly [KEYS] = [
    "initial_learning_rate",
    "decay_steps",
    "decay_rate",
    "staircase",
    "name",
  ] as const;
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps per factor of `decayRate`; above 0. */
  readonly decaySteps: number;
  /** The factor. */
  readonly decayRate: number;
  /** Decay once every `decaySteps` instead of at each step. */
  readonly staircase: boolean;
  /** Keras' name of this schedule. */
  readonly name: string;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: ExponentialDecayOptions) {
    super();
    const read = new OptionReader(options, ExponentialDecay[KEYS]);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.decaySteps = read.positive("decay_steps");
    this.decayRate = read.number("decay_rate");
    this.staircase = read.boolean("staircase");
    this.name = read.name("ExponentialDecay");
  }

  /** @internal */
  [EVALUATE](step: number, { kernel }: Runtime = defaultRuntime()): number {
    return kernel.exponential_decay(step, this.initialLearningRate, this.decaySteps, this.decayRate, Number(this.staircase));
  }
}

/** Options of `new InverseTimeDecay`. */
export interface InverseTimeDecayOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps per unit of `decayRate`; above 0. */
  readonly decaySteps: number;
  /** What is added to the divisor every `decaySteps`. */
  readonly decayRate: number;
  /** Decay once every `decaySteps` instead of at each step. Default false. */
  readonly staircase?: boolean | undefined;
  /** Default `InverseTimeDecay`. */
  readonly name?: string | undefined;
}

/**
 * `initialLearningRate / (1 + decayRate * step / decaySteps)`
 *
 * ```ts
 * const rate = new InverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 1, staircase: false });
 * rate.at(1000); // 0.05
 * ```
 */
export class InverseTimeDecay extends LearningRateSchedule<ScheduleConfigOf<InverseTimeDecayOptions>> {
  /** @internal */
  static override readonly [KEYS] = [
    "initial_learning_rate",
    "decay_steps",
    "decay_rate",
    "staircase",
    "name",
  ] as const;
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps per unit of `decayRate`; above 0. */
  readonly decaySteps: number;
  /** What is added to the divisor every `decaySteps`. */
  readonly decayRate: number;
  /** Decay once every `decaySteps` instead of at each step. */
  readonly staircase: boolean;
  /** Keras' name of this schedule. */
  readonly name: string;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: InverseTimeDecayOptions) {
    super();
    const read = new OptionReader(options, InverseTimeDecay[KEYS]);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.decaySteps = read.positive("decay_steps");
    this.decayRate = read.number("decay_rate");
    this.staircase = read.boolean("staircase");
    this.name = read.name("InverseTimeDecay");
  }

  /** @internal */
  [EVALUATE](step: number, { kernel }: Runtime = defaultRuntime()): number {
    return kernel.inverse_time_decay(step, this.initialLearningRate, this.decaySteps, this.decayRate, Number(this.staircase));
  }
}

/** Options of `new PolynomialDecay`. */
export interface PolynomialDecayOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps until the end is reached; above 0. */
  readonly decaySteps: number;
  /** Learning rate at the end. Default 0.0001. */
  readonly endLearningRate?: number | undefined;
  /** Power of the polynomial; 1 is linear. Default 1. */
  readonly power?: number | undefined;
  /** Stretch `decaySteps` to its next multiple instead of staying at the end. Default false. */
  readonly cycle?: boolean | undefined;
  /** Default `PolynomialDecay`. */
  readonly name?: string | undefined;
}

/**
 * `(initialLearningRate - endLearningRate) * (1 - step / decaySteps) ** power + endLearningRate`, up to `decaySteps`
 *
 * ```ts
 * const end = { endLearningRate: 0, power: 2, cycle: false };
 * const rate = new PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 1000, ...end });
 * rate.at(500); // 0.025
 * ```
 */
export class PolynomialDecay extends LearningRateSchedule<ScheduleConfigOf<PolynomialDecayOptions>> {
  /** @internal */
  static override readonly [KEYS] = [
    "initial_learning_rate",
    "decay_steps",
    "end_learning_rate",
    "power",
    "cycle",
    "name",
  ] as const;
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps until the end is reached; above 0. */
  readonly decaySteps: number;
  /** Learning rate at the end. */
  readonly endLearningRate: number;
  /** Power of the polynomial; 1 is linear. */
  readonly power: number;
  /** Stretch `decaySteps` to its next multiple instead of staying at the end. */
  readonly cycle: boolean;
  /** Keras' name of this schedule. */
  readonly name: string;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: PolynomialDecayOptions) {
    super();
    const read = new OptionReader(options, PolynomialDecay[KEYS]);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.decaySteps = read.positive("decay_steps");
    this.endLearningRate = read.number("end_learning_rate", 0.0001);
    this.power = read.number("power", 1);
    this.cycle = read.boolean("cycle");
    this.name = read.name("PolynomialDecay");
  }

  /** @internal */
  [EVALUATE](step: number, { kernel }: Runtime = defaultRuntime()): number {
    return kernel.polynomial_decay(step, this.initialLearningRate, this.decaySteps, this.endLearningRate, this.power, Number(this.cycle));
  }
}

/** Options of `new CosineDecay`. */
export interface CosineDecayOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps of the cosine; above 0. */
  readonly decaySteps: number;
  /** Smallest learning rate, as a fraction of the largest. Default 0. */
  readonly alpha?: number | undefined;
  /** Default `CosineDecay`. */
  readonly name?: string | undefined;
  /** Learning rate at the end of the warm-up; `null`: no warm-up. Default null. */
  readonly warmupTarget?: number | null | undefined;
  /** Steps of the warm-up. Default 0. */
  readonly warmupSteps?: number | undefined;
}

/**
 * A linear warm-up from `initialLearningRate` to `warmupTarget`, if there is one; then half a cosine down to `alpha` times
 * the rate it started from.
 *
 * ```ts
 * const warmup = { warmupTarget: 0.1, warmupSteps: 100 };
 * const rate = new CosineDecay({ initialLearningRate: 0, decaySteps: 1000, alpha: 0, ...warmup });
 * [rate.at(50), rate.at(100)]; // [0.05, 0.1]
 * ```
 */
export class CosineDecay extends LearningRateSchedule<ScheduleConfigOf<CosineDecayOptions>> {
  /** @internal */
  static override readonly [KEYS] = [
    "initial_learning_rate",
    "decay_steps",
    "alpha",
    "name",
    "warmup_target",
    "warmup_steps",
  ] as const;
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps of the cosine; above 0. */
  readonly decaySteps: number;
  /** Smallest learning rate, as a fraction of the largest. */
  readonly alpha: number;
  /** Keras' name of this schedule. */
  readonly name: string;
  /** Learning rate at the end of the warm-up; `null`: no warm-up. */
  readonly warmupTarget: number | null;
  /** Steps of the warm-up. */
  readonly warmupSteps: number;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: CosineDecayOptions) {
    super();
    const read = new OptionReader(options, CosineDecay[KEYS]);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.decaySteps = read.positive("decay_steps");
    this.alpha = read.number("alpha", 0);
    this.name = read.name("CosineDecay");
    this.warmupTarget = read.optionalNumber("warmup_target");
    this.warmupSteps = read.number("warmup_steps", 0);
  }

  /** @internal */
  [EVALUATE](step: number, { kernel }: Runtime = defaultRuntime()): number {
    return kernel.cosine_decay(step, this.initialLearningRate, this.decaySteps, this.alpha, this.warmupTarget ?? Number.NaN, this.warmupSteps);
  }
}

/** Options of `new CosineDecayRestarts`. */
export interface CosineDecayRestartsOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps of the first cosine; above 0. */
  readonly firstDecaySteps: number;
  /** Factor from one cosine's length to the next. Default 2. */
  readonly tMul?: number | undefined;
  /** Factor from one cosine's height to the next. Default 1. */
  readonly mMul?: number | undefined;
  /** Smallest learning rate, as a fraction of the initial one. Default 0. */
  readonly alpha?: number | undefined;
  /** Default `SGDRDecay`. */
  readonly name?: string | undefined;
}

/**
 * Half cosines one after another, each `tMul` times as long and starting `mMul` times as high as the one before.
 *
 * ```ts
 * const restarts = { firstDecaySteps: 1000, tMul: 2, mMul: 0.5, alpha: 0 };
 * const rate = new CosineDecayRestarts({ initialLearningRate: 0.1, ...restarts });
 * [rate.at(0), rate.at(1000)]; // [0.1, 0.05]
 * ```
 */
export class CosineDecayRestarts extends LearningRateSchedule<ScheduleConfigOf<CosineDecayRestartsOptions>> {
  /** @internal */
  static override readonly [KEYS] = [
    "initial_learning_rate",
    "first_decay_steps",
    "t_mul",
    "m_mul",
    "alpha",
    "name",
  ] as const;
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps of the first cosine; above 0. */
  readonly firstDecaySteps: number;
  /** Factor from one cosine's length to the next. */
  readonly tMul: number;
  /** Factor from one cosine's height to the next. */
  readonly mMul: number;
  /** Smallest learning rate, as a fraction of the initial one. */
  readonly alpha: number;
  /** Keras' name of this schedule. */
  readonly name: string;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: CosineDecayRestartsOptions) {
    super();
    const read = new OptionReader(options, CosineDecayRestarts[KEYS]);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.firstDecaySteps = read.positive("first_decay_steps");
    this.tMul = read.number("t_mul", 2);
    this.mMul = read.number("m_mul", 1);
    this.alpha = read.number("alpha", 0);
    this.name = read.name("SGDRDecay");
  }

  /** @internal */
  [EVALUATE](step: number, { kernel }: Runtime = defaultRuntime()): number {
    return kernel.cosine_decay_restarts(step, this.initialLearningRate, this.firstDecaySteps, this.tMul, this.mMul, this.alpha);
  }
}
