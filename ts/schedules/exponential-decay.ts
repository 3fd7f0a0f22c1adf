// Keras' ExponentialDecay. The formula is in the crate, schedule.rs.

import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

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

/** `initialLearningRate * decayRate ** (step / decaySteps)` */
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
    const { initialLearningRate, decaySteps, decayRate, staircase } = this;
    return kernel.exponential_decay(step, initialLearningRate, decaySteps, decayRate, Number(staircase));
  }
}
