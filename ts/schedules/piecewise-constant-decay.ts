// Keras' PiecewiseConstantDecay: a look-up.

import { EVALUATE, KEYS } from "../support/internal.js";
import { show } from "../support/messages.js";
import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from "./schedule.js";

/** Options of `new PiecewiseConstantDecay`. */
export interface PiecewiseConstantDecayOptions {
  /** Steps up to and including which each value holds; Keras cuts off fractions. */
  readonly boundaries: readonly number[];
  /** The values: one more than boundaries. */
  readonly values: readonly number[];
  /** Default `PiecewiseConstant`. */
  readonly name?: string | undefined;
}

/**
 * `values[0]` up to and including step `boundaries[0]`, then `values[1]` up to `boundaries[1]`, and so on.
 *
 * ```ts
 * const rate = new PiecewiseConstantDecay({ boundaries: [100], values: [0.1, 0.01] });
 * [rate.boundaries.length, rate.values.length, rate.at(101)]; // [1, 2, 0.01]
 * ```
 */
export class PiecewiseConstantDecay extends LearningRateSchedule<ScheduleConfigOf<PiecewiseConstantDecayOptions>> {
  /** @internal */
  static override readonly [KEYS] = ["boundaries", "values", "name"] as const;
  /** Steps up to and including which each value holds; Keras cuts off fractions. */
  readonly boundaries: readonly number[];
  /** The values: one more than boundaries. */
  readonly values: readonly number[];
  /** Keras' name of this schedule. */
  readonly name: string;

  /**
   * A schedule with these options.
   *
   * @throws {RangeError | TypeError} for options that are not as documented.
   */
  constructor(options: PiecewiseConstantDecayOptions) {
    super();
    const read = new OptionReader(options, PiecewiseConstantDecay[KEYS]);
    this.boundaries = read.numbers("boundaries");
    this.values = read.numbers("values");
    this.name = read.name("PiecewiseConstant");
    if (this.boundaries.length !== this.values.length - 1) {
      throw new RangeError(
        `Argument \`boundaries\` must be one shorter than \`values\`; received ${show(this.boundaries)} and ${show(this.values)}.`,
      );
    }
  }

  /** @internal */
  [EVALUATE](step: number): number {
    const { boundaries, values } = this;
    const boundary = (i: number) => Math.trunc(boundaries[i] as number);
    const value = (i: number) => Math.fround(values[i] as number);
    const last = boundaries.length - 1;
    // Keras adds up all values times whether each one's interval holds the step. In sorted boundaries that picks one
    // value; in unsorted ones it adds several, or none.
    let sum = 0;
    if (last < 0 || step <= boundary(0)) sum = value(0);
    if (last >= 0 && step > boundary(last)) sum = Math.fround(sum + value(last + 1));
    for (let i = 0; i < last; i++) {
      if (step > boundary(i) && step <= boundary(i + 1)) sum = Math.fround(sum + value(i + 1));
    }
    return sum;
  }
}
