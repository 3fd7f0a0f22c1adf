/**
 * The one case in which this package does better than Keras: with `centered`, velocity − average_gradient² + epsilon can round
 * to ≤ 0. Keras then makes NaN or inf of finite input, this package takes epsilon. Which elements that concerns follows from
 * the slots alone, so every other element is still compared in bits.
 */

import type { RMSprop, Variable } from "rmsprop-wasm";
import { canonicalBits, hex } from "./bits.js";
import type { Slot, TrainingCase } from "./format.js";
import type { Mismatches } from "./mismatch.js";

/** The only recorded vector in which it happens, and the first step at which it does (counted from 0). */
const RECORDED: Readonly<Record<string, number>> = { "centered-const-nan": 23 };

export function mayCancelFrom(vector: TrainingCase): number | undefined {
  return vector.cancels_from ?? RECORDED[vector.id];
}

/** Slots that a wrong denominator reaches; velocity, average_gradient and the accumulator come before it. */
const REACHED: ReadonlySet<Slot | "variable"> = new Set(["variable", "momentum", "average"]);

export class Cancellations {
  /** The first step at which a denominator was ≤ 0. */
  from: number | undefined;
  readonly #vector: TrainingCase;
  readonly #centered: boolean;
  readonly #epsilon: number;
  readonly #cancelled: (Uint8Array | undefined)[] = [];

  constructor(vector: TrainingCase) {
    this.#vector = vector;
    this.#centered = vector.config["centered"] === true;
    this.#epsilon = Math.fround((vector.config["epsilon"] as number | undefined) ?? 1e-7);
  }

  observe(step: number, variables: readonly Variable[], optimizer: RMSprop): void {
    if (!this.#centered) return;
    variables.forEach((variable, i) => {
      const velocity = optimizer.slot("velocity", variable);
      const average = optimizer.slot("average_gradient", variable);
      if (velocity === null || average === null) return;
      for (let e = 0; e < velocity.length; e++) {
        const square = Math.fround(average[e]! * average[e]!);
        const denominator = Math.fround(Math.fround(velocity[e]! - square) + this.#epsilon);
        if (denominator <= 0 && denominator !== this.#epsilon) {
          this.from ??= step;
          this.#cancelled[i] ??= new Uint8Array(velocity.length);
          this.#cancelled[i][e] = 1;
        }
      }
    });
  }

  /** Equal in bits, except for the elements that a cancelled denominator has reached. */
  compare(
    where: string,
    slot: Slot | "variable",
    i: number,
    actual: Float32Array,
    expected: Float32Array,
    found: Mismatches,
  ): void {
    const [ours, keras] = [canonicalBits(actual), canonicalBits(expected)];
    found.equal(`${where}: length`, ours.length, keras.length);
    const cancelled = REACHED.has(slot) || this.#vector.grad.gen === "self" ? this.#cancelled[i] : undefined;
    let different = 0;
    for (let e = 0; e < keras.length; e++) {
      if (cancelled?.[e]) {
        if (slot === "variable") this.#checkCancelled(`${where}[${e}]`, actual[e]!, expected[e]!, found);
      } else if (ours[e] !== keras[e] && ++different <= 3) {
        found.equal(`${where}[${e}]`, hex(ours[e]!), hex(keras[e]!));
      }
    }
    if (different > 3) found.equal(`${where}: elements that differ`, different, 0);
  }

  #checkCancelled(where: string, ours: number, keras: number, found: Mismatches): void {
    const { config, grad, variables } = this.#vector;
    const bounded = grad.gen === "uniform" || grad.gen === "const" || grad.gen === "sparse";
    if (bounded && this.#epsilon > 0) found.equal(`${where}: ours is finite`, Number.isFinite(ours), true);
    // A moving average or a constraint can make a number of Keras' NaN again.
    const stays = config["use_ema"] !== true && variables.every(({ constraint }) => constraint === undefined);
    if (stays) found.equal(`${where}: Keras' is finite`, Number.isFinite(keras), false);
  }
}
