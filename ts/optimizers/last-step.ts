// What the last step did: read from linear memory when it is asked for, so that a step takes no longer.

import { LAST_STEP, OUTCOMES, type Outcome } from "../generated/codes.js";
import type { AnyVariable } from "../memory/variable.js";

/** The first number of a gradient that is not finite. */
export interface NonFinite {
  /** The path of its variable. */
  readonly path: string;
  /** Its index in the variable's gradient. */
  readonly index: number;
}

/** A step's record: the numbers in memory, and the variables to search for what the numbers do not say. */
export interface StepRecord {
  /** The numbers, in the order of `LAST_STEP`. */
  readonly numbers: Float32Array;
  /** The variables that the step had gradients of. A function: most members need no list of them. */
  readonly variables: () => readonly AnyVariable[];
  /** What was found when the step was skipped. */
  readonly nonFinite: NonFinite | null;
}

/**
 * What the last step did. There is one object for all steps: a member describes the step that is the last one when it is read.
 * A call that throws is no step.
 *
 * A norm is `null` if no option needed it and `measure` does not ask for it, and if the step updated nothing.
 *
 * ```ts
 * const rms = new RMSprop({ learningRate: 0.5, globalClipnorm: 1 });
 * rms.apply([[4]], [w]);
 * const { outcome, learningRate, lossScale, finite, gradientNorm, clipFactor, updateNorm } = rms.lastStep!;
 * [outcome, learningRate, lossScale, finite]; // ["updated", 0.5, 1, true]
 * [gradientNorm, clipFactor, updateNorm]; // [4, 0.25, null]
 * ```
 */
export class LastStep {
  readonly #record: () => StepRecord;

  /** @internal */
  constructor(record: () => StepRecord) {
    this.#record = record;
  }

  #number(name: keyof typeof LAST_STEP): number {
    return this.#record().numbers[LAST_STEP[name]] as number;
  }

  /** A number that is not negative, if it is known. */
  #known(name: keyof typeof LAST_STEP): number | null {
    const number = this.#number(name);
    return number < 0 ? null : number;
  }

  /**
   * `"updated"`; `"accumulated"` where gradients were only added to those of the calls before; `"skipped"` where a gradient was
   * not finite under a dynamic loss scale.
   */
  get outcome(): Exclude<Outcome, "none"> {
    return OUTCOMES[this.#number("outcome")] as Exclude<Outcome, "none">;
  }

  /** The float32 learning rate that the step was called with. */
  get learningRate(): number {
    return this.#number("learningRate");
  }

  /** What the gradients were divided by; 1 if they were not scaled. */
  get lossScale(): number {
    return this.#number("lossScale");
  }

  /**
   * Whether all gradients were finite. Where the step did not look, for it had neither a dynamic loss scale nor a norm to compute,
   * this looks, at the gradients as they are in memory now.
   */
  get finite(): boolean {
    return this.firstNonFinite === null;
  }

  /**
   * The first number that was not finite, in the order in which the step had the gradients; `null` if all were. After a step that
   * was not skipped, this looks for it, at the gradients as they are in memory now.
   *
   * ```ts
   * optimizer.apply([[Number.NaN]]);
   * optimizer.lastStep?.firstNonFinite; // { path: "w", index: 0 }
   * ```
   */
  get firstNonFinite(): NonFinite | null {
    if (this.#number("finite") > 0) return null;
    const record = this.#record();
    if (this.outcome === "skipped") return record.nonFinite;
    const variables = record.variables();
    // A finite norm has only finite terms.
    const isNormFinite = Number.isFinite(this.gradientNorm ?? Number.NaN);
    const found = firstNonFinite(isNormFinite ? variables.filter((v) => v.overwriteWithGradient) : variables);
    return found && { path: found.variable.path, index: found.index };
  }

  /**
   * The joint L2 norm of the gradients as clipping saw them: divided by the loss scale, averaged over accumulated calls, not
   * clipped yet. It has the bits of Keras' `global_norm`. Variables that are overwritten with their gradients, or frozen, are
   * not in it.
   */
  get gradientNorm(): number | null {
    return this.#known("gradientNorm");
  }

  /**
   * The factor by which `clipnorm` or `globalClipnorm` scaled the gradients; the smallest, if each variable has its own; 1
   * without them. Clipping by value has no factor.
   */
  get clipFactor(): number {
    return this.#number("clipFactor");
  }

  /**
   * The L2 norm of the change of the values by this step, whatever changed them: the rule, weight decay, constraints, averages
   * that overwrite.
   */
  get updateNorm(): number | null {
    return this.#known("updateNorm");
  }

  /**
   * A copy as a plain object, for logs; `JSON.stringify` calls it.
   *
   * ```ts
   * optimizer.step();
   * optimizer.lastStep?.toJSON().outcome; // "updated"
   * ```
   */
  toJSON(): Omit<LastStep, "toJSON"> {
    const { outcome, learningRate, lossScale, gradientNorm, clipFactor, updateNorm, firstNonFinite } = this;
    const finite = firstNonFinite === null;
    return { outcome, learningRate, lossScale, finite, gradientNorm, clipFactor, updateNorm, firstNonFinite };
  }
}

/** The exponent bits of the types of 16 bits: all are set in what is not finite. */
const EXPONENTS = { float16: 0x7c00, bfloat16: 0x7f80 } as const;

/** The first number that is not finite in the gradients of these variables. */
export function firstNonFinite(
  variables: readonly AnyVariable[],
): { readonly variable: AnyVariable; readonly index: number } | null {
  for (const variable of variables) {
    if (variable.freed) continue;
    const { gradient, gradientDtype } = variable;
    const index =
      gradientDtype === "float32"
        ? firstNonFiniteFloat(gradient as Float32Array)
        : firstWithBits(gradient as Uint16Array, EXPONENTS[gradientDtype]);
    if (index >= 0) return { variable, index };
  }
  return null;
}

// Loops of their own: `findIndex` calls a function per number.
function firstNonFiniteFloat(numbers: Float32Array): number {
  // The difference is NaN for infinities and NaN.
  for (let i = 0; i < numbers.length; i++) if ((numbers[i] as number) - (numbers[i] as number) !== 0) return i;
  return -1;
}

function firstWithBits(numbers: Uint16Array, mask: number): number {
  for (let i = 0; i < numbers.length; i++) if (((numbers[i] as number) & mask) === mask) return i;
  return -1;
}
