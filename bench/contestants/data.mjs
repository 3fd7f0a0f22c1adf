// The numbers that every contestant starts from, by the element's index in the whole model: the same formulas in
// native/src/data.rs and peers/python.py. Only integers and exact float32 sums, so that no language rounds them differently.

/** @import { Regime } from "../types.js" */

export const LEARNING_RATE = 0.001;

/** Values that an answer holds at most, evenly spaced. */
const SAMPLES = 4096;

/** @param {number} i */
const hash = (i) => Math.imul(i, 2654435761) >>> 0;

/**
 * The first value of element `i`, in [-1, 1).
 *
 * @param {number} i
 */
export const value = (i) => (hash(i) >>> 8) / 2 ** 23 - 1;

/** Four units of the smallest float32: 0.9 times that rounds to it again. */
const STUCK = 4 * 2 ** -149;

/**
 * @param {Regime} regime
 * @param {number} i
 */
const isDense = (regime, i) =>
  regime === "dense" ||
  (regime === "alternating" && (i >>> 4) % 2 === 0) ||
  (regime === "dead" && i % 8 !== 0) ||
  (regime === "rare" && i % 32 !== 0);

/** Gradients of elements that are not dense. @type {Partial<Record<Regime, (i: number) => number>>} */
const small = { tiny: () => 1e-20, rare: () => 1e-21, graded: (i) => 2 ** -(Math.floor((i % 40) / 3) * 10) };

/**
 * The gradient of element `i`, which keeps it in its regime.
 *
 * @param {Regime} regime
 * @param {number} i
 */
export function gradient(regime, i) {
  if (!isDense(regime, i)) return small[regime]?.(i) ?? 0;
  const bits = hash((i + 0x9e3779b9) >>> 0);
  const magnitude = 0.25 + (bits >>> 10) / 2 ** 23;
  return (bits >>> 9) & 1 ? -magnitude : magnitude;
}

/**
 * The first velocity, momentum and average gradient of element `i`.
 *
 * @param {Regime} regime
 * @param {number} i
 */
export function state(regime, i) {
  return ["stuck", "alternating", "dead"].includes(regime) && !isDense(regime, i) ? STUCK : 0;
}

/**
 * Sets the elements of an array to a function of their index in the model, where the first one has the index `first`.
 *
 * @template {Float32Array} T
 * @param {T} array
 * @param {number} first
 * @param {(index: number) => number} number
 */
export function fill(array, first, number) {
  for (let i = 0; i < array.length; i++) array[i] = number(first + i);
  return array;
}

/**
 * The same, as a new array.
 *
 * @param {number} size
 * @param {number} first
 * @param {(index: number) => number} number
 */
export const filled = (size, first, number) => fill(new Float32Array(size), first, number);

/**
 * The tensors of a model: where each begins, and its size.
 *
 * @param {readonly number[]} sizes
 */
export function tensors(sizes) {
  let first = 0;
  return sizes.map((size) => {
    const tensor = { first, size };
    first += size;
    return tensor;
  });
}

/**
 * "512x20,8" is twenty tensors of 512 and one of 8.
 *
 * @param {string} text
 * @returns {number[]}
 */
export const parseSizes = (text) =>
  text.split(",").flatMap((part) => {
    const [size, count = "1"] = part.split("x");
    return new Array(Number(count)).fill(Number(size));
  });

/**
 * The evenly spaced values of an answer, as bits.
 *
 * @param {readonly ArrayLike<number>[]} arrays
 */
export function samples(arrays) {
  const total = arrays.reduce((sum, { length }) => sum + length, 0);
  const stride = Math.max(1, Math.ceil(total / SAMPLES));
  /** @type {number[]} */
  const picked = [];
  let next = 0;
  let first = 0;
  for (const array of arrays) {
    for (; next < first + array.length; next += stride) picked.push(array[next - first]);
    first += array.length;
  }
  return Array.from(new Uint32Array(Float32Array.from(picked).buffer), (word) => word.toString(16)).join(" ");
}
