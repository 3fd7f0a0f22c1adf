// Keras' CosineDecay. The formula is in the crate, schedule.rs.

import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

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
  /** Learning rate at the end of the warm-up. Default null: no warm-up. */
  readonly warmupTarget?: number | null | undefined;
  /** Steps of the warm-up. Default 0. */
  readonly warmupSteps?: number | undefined;
}

/**
 * A linear warm-up from `initialLearningRate` to `warmupTarget`, if there is one; then half a cosine down to `alpha` times
 * the rate it started from.
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
  /** Learning rate at the end of the warm-up. `null`: no warm-up. */
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
    const { initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps } = this;
    return kernel.cosine_decay(step, initialLearningRate, decaySteps, alpha, warmupTarget ?? Number.NaN, warmupSteps);
  }
}
