// jax-js' operations as the arithmetic of the formula. They also trace: what is computed with may be a tracer of `jit`.

import { numpy as np } from "@jax-js/jax";
import type { Arithmetic } from "../rule/arithmetic.js";

/** An array, or a number that is the same for all elements and in all calls. */
export type Operand = np.Array | number;

/**
 * Operations that leave their operands to the caller, unlike those of jax-js, which take them over. `end` frees all that was made
 * but the results.
 */
export class Traced implements Arithmetic<Operand> {
  readonly #made: np.Array[] = [];

  add(a: Operand, b: Operand): Operand {
    return this.#keep(array(a).add(taken(b)));
  }

  sub(a: Operand, b: Operand): Operand {
    return this.#keep(array(a).sub(taken(b)));
  }

  mul(a: Operand, b: Operand): Operand {
    return this.#keep(array(a).mul(taken(b)));
  }

  div(a: Operand, b: Operand): Operand {
    return this.#keep(array(a).div(taken(b)));
  }

  sqrt(a: Operand): Operand {
    return this.#keep(np.sqrt(array(a)));
  }

  positive(a: Operand, least: Operand): Operand {
    return this.where(this.#keep(np.lessEqual(array(a), 0)), least, a);
  }

  clamp(a: Operand, limit: Operand): Operand {
    return this.#keep(np.clip(array(a), -(limit as number), limit as number));
  }

  minimum(a: Operand, b: Operand): Operand {
    return this.#keep(np.minimum(array(a), taken(b)));
  }

  maximum(a: Operand, b: Operand): Operand {
    return this.#keep(np.maximum(array(a), taken(b)));
  }

  floor(a: Operand): Operand {
    return this.#keep(np.floor(array(a)));
  }

  cos(a: Operand): Operand {
    return this.#keep(np.cos(array(a)));
  }

  log(a: Operand): Operand {
    return this.#keep(np.log(array(a)));
  }

  power(a: Operand, b: Operand): Operand {
    return this.#keep(np.power(array(a), array(b)));
  }

  sum(a: Operand): Operand {
    return this.#keep(array(a).sum());
  }

  less(a: Operand, b: Operand): np.Array {
    return this.#keep(np.less(array(a), taken(b)));
  }

  equal(a: Operand, b: Operand): np.Array {
    return this.#keep(np.equal(array(a), taken(b)));
  }

  where(condition: np.Array, then: Operand, otherwise: Operand): Operand {
    return this.#keep(np.where(condition.ref, taken(then), taken(otherwise)));
  }

  /** The rest of a division of counts, which are integers. */
  remainder(a: np.Array, b: number): np.Array {
    return this.#keep(np.remainder(a.ref, b));
  }

  /** A count as float32. */
  float(count: np.Array): np.Array {
    return this.#keep(count.ref.astype(np.float32));
  }

  zeros({ shape, device }: np.Array): np.Array {
    return this.#keep(np.zeros(shape, { device }));
  }

  /** An array that is to be freed with what was made. */
  own(array: np.Array): np.Array {
    return this.#keep(array);
  }

  /** What `work` gives; if it throws, everything that was made is freed. */
  orNothing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.end([]);
      throw error;
    }
  }

  /** The results, which now are the caller's; everything else that was made is freed. */
  end<T extends np.Array>(results: readonly T[]): T[] {
    const kept = results.map(({ ref }) => ref);
    for (const each of this.#made.splice(0)) each.dispose();
    return kept;
  }

  #keep(made: np.Array): np.Array {
    this.#made.push(made);
    return made;
  }
}

/** One more reference, for an operation to take over. */
const taken = (operand: Operand): Operand => (typeof operand === "number" ? operand : operand.ref);
const array = (operand: Operand): np.Array => (typeof operand === "number" ? np.array(operand) : operand.ref);
