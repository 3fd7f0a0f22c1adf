// Keras' PolynomialDecay. The formula is in the crate, schedule.rs.

import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

/** Options of `new PolynomialDecay`. */
export interface PolynomialDecayOptions {
  /** Learning rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps until the end is reached; above 0. */
  readonly decaySteps: number;
  /** Learning rate at the end. Default 0.0001. */
  readonly endLearningRate?: number | undefined;
  /** Power of the polynomial. Default 1: linear. */
  readonly power?: number | undefined;
  /** Stretch `decaySteps` to its next multiple instead of staying at the end. Default false. */
  readonly cycle?: boolean | undefined;
  /** Default `PolynomialDecay`. */
  readonly name?: string | undefined;
}

/** `(initialLearningRate - endLearningRate) * (1 - step / decaySteps) ** power + endLearningRate`, up to `decaySteps` */
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
  /** Power of the polynomial. */
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
    const { initialLearningRate, decaySteps, endLearningRate, power, cycle } = this;
    return kernel.polynomial_decay(step, initialLearningRate, decaySteps, endLearningRate, power, Number(cycle));
  }
}
