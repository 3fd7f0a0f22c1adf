// Keras' CosineDecayRestarts. The formula is in the crate, schedule.rs.

import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

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

/** Half cosines one after another, each `tMul` times as long and starting `mMul` times as high as the one before. */
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
    const { initialLearningRate, firstDecaySteps, tMul, mMul, alpha } = this;
    return kernel.cosine_decay_restarts(step, initialLearningRate, firstDecaySteps, tMul, mMul, alpha);
  }
}
