// Keras' InverseTimeDecay. The formula is in the crate, schedule.rs.

import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

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

/** `initialLearningRate / (1 + decayRate * step / decaySteps)` */
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
    const { initialLearningRate, decaySteps, decayRate, staircase } = this;
    return kernel.inverse_time_decay(step, initialLearningRate, decaySteps, decayRate, Number(staircase));
  }
}
