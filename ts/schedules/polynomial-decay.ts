// Keras' PolynomialDecay. The formula is in the crate, schedule.rs.
import { defaultRuntime, type Runtime } from "../runtime.js";
import { LearningRateSchedule, OptionReader } from "./schedule.js";

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

/**
 * `(initialLearningRate - endLearningRate) * (1 - step / decaySteps) ** power + endLearningRate`, up to `decaySteps`
 *
 * @throws {RangeError | TypeError} for options that are not as documented.
 */
export class PolynomialDecay extends LearningRateSchedule {
  static override readonly keys = [
    "initial_learning_rate",
    "decay_steps",
    "end_learning_rate",
    "power",
    "cycle",
    "name",
  ] as const;
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly endLearningRate: number;
  readonly power: number;
  readonly cycle: boolean;
  readonly name: string;

  constructor(options: PolynomialDecayOptions) {
    super();
    const read = new OptionReader(options, PolynomialDecay.keys);
    this.initialLearningRate = read.number("initial_learning_rate");
    this.decaySteps = read.positive("decay_steps");
    this.endLearningRate = read.number("end_learning_rate", 0.0001);
    this.power = read.number("power", 1);
    this.cycle = read.boolean("cycle");
    this.name = read.name("PolynomialDecay");
  }

  /** @internal */
  evaluate(step: number, { kernel }: Runtime = defaultRuntime()): number {
    const { initialLearningRate, decaySteps, endLearningRate, power, cycle } = this;
    return kernel.polynomial_decay(step, initialLearningRate, decaySteps, endLearningRate, power, Number(cycle));
  }
}
