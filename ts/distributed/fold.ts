// The run as a pure function of its log: one process that applies units 0, 1, 2, … in order. Workers only compute, in advance,
// gradients of units whose inputs can no longer change.

import type { GradientArray } from "./layout.js";

/** A variable as far as a run needs it: `Variable` has it. */
export interface ReplicatedVariable {
  /** Names it for workers and in checkpoints; no two variables may share it. */
  readonly path: string;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** The type of its gradient's numbers. */
  readonly gradientDtype: string;
  /** Its values. */
  readonly value: Float32Array;
  /** Whether a call sets the values to the gradient. */
  readonly overwriteWithGradient: boolean;
  /** What edits the values at the end of a call. */
  readonly constraint: ((value: Float32Array<ArrayBuffer>) => void) | undefined;
  /** Copies values in, as many as the variable has. */
  assign(values: ArrayLike<number>): void;
}

/** The members of an RMSprop that decide when values change. */
export interface ReplicatedRMSprop {
  /** Calls so far that were not skipped. */
  readonly rawIterations: number;
  /** Updates so far. */
  readonly iterations: number;
  /** How many gradients make one update. */
  readonly gradientAccumulationSteps: number | null;
  /** Whether there is a moving average of the values. */
  readonly useEma: boolean;
  /** The values are set to it in each update whose number is a multiple of this. */
  readonly emaOverwriteFrequency: number | null;
  /** The loss scale, if it is static. */
  readonly lossScaleFactor: number | null;
}

/** The members of a LossScaleOptimizer that decide when the scale changes. */
export interface ReplicatedLossScale {
  /** The optimizer that takes the steps. */
  readonly innerOptimizer: ReplicatedRMSprop;
  /** The current loss scale. */
  readonly dynamicScale: number;
  /** Finite calls in a row after which the scale doubles. */
  readonly dynamicGrowthSteps: number;
  /** Finite calls since the scale last changed. */
  readonly stepCounter: number;
}

/** An optimizer as far as the fold needs it. */
export type FoldedOptimizer = (ReplicatedRMSprop | ReplicatedLossScale) & {
  readonly trainableVariables: readonly ReplicatedVariable[];
  apply(gradients: readonly (GradientArray | null)[]): void;
};

export class Fold {
  /** Units applied or skipped so far. */
  next = 0;
  /** The unit at which what workers see, values or loss scale, last changed. */
  base = 0;
  /** How many units from `base` on have the same inputs. */
  room = 0;
  readonly #optimizer: FoldedOptimizer;
  readonly #inner: ReplicatedRMSprop;
  readonly #scaled: ReplicatedLossScale | undefined;
  /** Gradients of units whose turn has not come. */
  readonly #waiting = new Map<number, readonly (GradientArray | null)[]>();

  constructor(optimizer: FoldedOptimizer) {
    this.#optimizer = optimizer;
    this.#scaled = "innerOptimizer" in optimizer ? optimizer : undefined;
    this.#inner = this.#scaled?.innerOptimizer ?? (optimizer as ReplicatedRMSprop);
  }

  /** Says that the optimizer's state is that of the base at this unit. */
  restore(unit: number): void {
    this.next = unit;
    this.#rebase();
  }

  get iterations(): number {
    return this.#inner.iterations;
  }

  get lossScale(): number {
    return this.#scaled?.dynamicScale ?? this.#inner.lossScaleFactor ?? 1;
  }

  /** Whether the gradient of a unit, computed for this base, would count. */
  wants(unit: number): boolean {
    return unit >= this.next && unit < this.base + this.room && !this.#waiting.has(unit);
  }

  /** Units whose gradients can be computed, and are not there. */
  missing(): number[] {
    const units = Array.from({ length: this.base + this.room - this.next }, (_, i) => this.next + i);
    return units.filter((unit) => this.wants(unit));
  }

  /**
   * Takes the gradient of a unit that is wanted, and applies what can be applied: at most one update, because an update ends the
   * window.
   *
   * @returns what became of it; `"base"` if only the loss scale grew.
   */
  accept(unit: number, gradients: readonly (GradientArray | null)[]): "waiting" | "base" | "update" | "skip" {
    this.#waiting.set(unit, gradients);
    for (;;) {
      const ready = this.#waiting.get(this.next);
      if (!ready) return "waiting";
      const { rawIterations, iterations } = this.#inner;
      this.#optimizer.apply(ready);
      this.#waiting.delete(this.next);
      this.next += 1;
      const skipped = this.#inner.rawIterations === rawIterations;
      // A skipped call halves the scale: what others have computed with the old one is void.
      if (!skipped && this.next < this.base + this.room) continue;
      this.#rebase();
      if (skipped) return "skip";
      return this.#inner.iterations === iterations ? "base" : "update";
    }
  }

  #rebase(): void {
    this.base = this.next;
    this.#waiting.clear();
    this.room = this.#roomNow();
  }

  /** Too small is always right, and costs only width. */
  #roomNow(): number {
    const { gradientAccumulationSteps, rawIterations, iterations, useEma, emaOverwriteFrequency } = this.#inner;
    // Keras overwrites at every call of that iteration, not only at its last.
    if (useEma && emaOverwriteFrequency && (iterations + 1) % emaOverwriteFrequency === 0) return 1;
    if (this.#optimizer.trainableVariables.some((variable) => variable.overwriteWithGradient || isEdited(variable)))
      return 1;
    const perUpdate = gradientAccumulationSteps || 1;
    let room = perUpdate - (rawIterations % perUpdate);
    const scaled = this.#scaled;
    if (scaled && scaled.dynamicGrowthSteps > 0) room = Math.min(room, scaled.dynamicGrowthSteps - scaled.stepCounter);
    return Math.max(room, 1);
  }
}

/** Whether the constraint, which runs at every call, would change the values as they are now. */
function isEdited({ constraint, value }: ReplicatedVariable): boolean {
  if (!constraint) return false;
  const edited = new Float32Array(value);
  constraint(edited);
  const [before, after] = [value, edited].map(({ buffer, byteOffset, length }) => {
    return new Uint32Array(buffer, byteOffset, length);
  }) as [Uint32Array, Uint32Array];
  return before.some((bits, i) => bits !== after[i]);
}
