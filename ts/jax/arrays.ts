// Arrays of jax-js: checked, read, and made of values in our memory.
import { type JsTree, numpy as np, tree } from "@jax-js/jax";
import type { Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";
import { firstNumber } from "../optimizers/slots.js";
import { message } from "../support/messages.js";

/** `null` where there is no gradient, or no parameter to train. */
export type Leaf = np.Array | null | undefined;

/** A float32 array that has values; in `jit` and `grad` there are tracers instead. */
export function checkedArray(argument: string, array: unknown): np.Array {
  const { dtype, dataSync } = (array ?? {}) as Partial<np.Array>;
  if (typeof dataSync !== "function") {
    throw new TypeError(message(argument, "an array with values; call init and update outside of jit and grad", array));
  }
  if (dtype !== "float32") throw new TypeError(message(argument, "a float32 array", dtype));
  return array as np.Array;
}

/** Each leaf takes over a reference: an array that is several leaves needs as many. */
export function assertReferences(trees: JsTree<Leaf>): void {
  const counts = new Map<np.Array, number>();
  for (const array of tree.flatten<Leaf>(trees)[0]) if (array) counts.set(array, (counts.get(array) ?? 0) + 1);
  for (const [array, count] of counts) {
    // For an array that is gone, jax-js throws its own error; tracers may not count references.
    if (count === 1 || !(count > array.refCount)) continue;
    throw new RangeError(
      `An array is given in ${count} places with ${array.refCount} references: give \`array.ref\` in all but one.`,
    );
  }
}

/** The state as `build` makes it, for parameters that are `checked`, and taken over. */
export function firstState(
  params: JsTree<Leaf>,
  kept: readonly Slot[],
  by: Hyperparameters,
  checked: (argument: string, array: unknown) => np.Array,
): JsTree<np.Array> {
  const [leaves, structure] = tree.flatten<Leaf>(params);
  const arrays = leaves.map((leaf, i) => (leaf == null ? null : checked(`params[${i}]`, leaf)));
  const slots = kept.map((slot) => {
    const first = firstNumber(by, slot);
    const made = arrays.map((leaf) => {
      const zeros = leaf && np.zeros(leaf.shape, { device: leaf.device });
      return zeros && first !== 0 ? zeros.add(first) : zeros;
    });
    return [slot, tree.unflatten<Leaf>(structure, made)];
  });
  disposeAll([params]);
  return { count: counter(0), ...Object.fromEntries(slots) };
}

export const isArray = (leaf: unknown): leaf is np.Array =>
  typeof (leaf as Partial<np.Array> | null)?.astype === "function";

export const sameShape = (a: Leaf, b: Leaf): boolean => isArray(a) && isArray(b) && String(a.shape) === String(b.shape);

/**
 * The leaves of each slot.
 *
 * @throws {RangeError} if they have not the structure and shapes of the updates, whose leaves these are.
 */
export function slotLeaves(
  trees: Readonly<Record<string, unknown>>,
  kept: readonly Slot[],
  updates: readonly Leaf[],
  structure: tree.JsTreeDef,
): ReadonlyMap<Slot, readonly Leaf[]> {
  return new Map(
    kept.map((slot) => {
      const [leaves, own] = tree.flatten<Leaf>(trees[slot] as JsTree<Leaf>);
      const fits =
        own.equals(structure) && leaves.every((leaf, i) => updates[i] == null || sameShape(leaf, updates[i]));
      if (fits) return [slot, leaves] as const;
      throw new RangeError(message(`state.${slot}`, "of the structure and shapes of the updates", trees[slot]));
    }),
  );
}

/** `tree.dispose`, for trees with leaves that are no arrays. */
export function disposeAll(trees: readonly (JsTree<Leaf> | undefined)[]): void {
  for (const each of trees) {
    if (each === undefined) continue;
    for (const leaf of tree.flatten<Leaf>(each)[0]) leaf?.dispose();
  }
}

/** A copy of an array's values, which keeps the array. */
export const values = (array: np.Array | null | undefined): ArrayLike<number> => array?.ref.dataSync() ?? [];

/** Calls so far, as optax' transformations count them. */
export const counter = (count: number): np.Array => np.array(count, { dtype: np.uint32 });

/** An array with a copy of these values, in the shape and on the device of another. */
export function stored(numbers: Float32Array, { shape, device }: np.Array): np.Array {
  // jax-js makes no array of no numbers.
  return numbers.length === 0 ? np.zeros(shape, { device }) : np.array(numbers, { shape, device });
}

/**
 * The same, for values that are computed with. If all are equal, jax-js does not store them but computes with a constant, in
 * float64, and later with all that was computed from it. One number that differs, cut off again, prevents that.
 */
export function computed(numbers: Float32Array, like: np.Array): np.Array {
  const { length } = numbers;
  if (length === 0 || numbers.some((number) => !Object.is(number, numbers[0]))) return stored(numbers, like);
  const longer = new Float32Array(length + 1).fill(Number.NaN);
  longer.set(numbers);
  return np.array(longer, { device: like.device }).slice([0, length]).reshape(like.shape);
}
