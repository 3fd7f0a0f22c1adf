// The measurement of one match: everybody computes the same, warms up, and then runs in short slices, one after the other.
import { sameBits } from "./contestants.mjs";

/** Steps after which results are compared. */
const COMPARED_STEPS = 3;
/** Largest difference between values, relative to the largest change of a value. Float32 rounding gives 1e-5. */
const TOLERANCE = 1e-3;

/** @import { Effort, Measured, Resolved } from "./types.js" */
/** @typedef {Resolved & Measured & { steps: number, isSlow: boolean }} Running */

/**
 * Measures the entries that support the model; the first one is the reference. The number of a round is its fastest slice.
 *
 * @param {readonly Resolved[]} entries
 * @param {Effort} effort
 */
export async function measure(entries, { rounds, slices, slice, warm }) {
  /** @type {Running[]} */
  const present = [];
  try {
    for (const entry of entries) {
      const { key, contestant, sizes, regime, options } = entry;
      if (await contestant.make(key, sizes, regime, options)) {
        present.push({ ...entry, nanoseconds: [], steps: 1, isSlow: false });
      }
    }
    await compare(present);
    for (const entry of present) Object.assign(entry, await warmUp(entry, warm, slice));
    for (let i = 0; i < rounds * slices; i++) {
      const round = Math.floor(i / slices);
      for (const { contestant, key, steps, isSlow, nanoseconds } of order(present, i)) {
        if (isSlow && i % slices > 0) continue;
        // Refills the caches that others have used.
        if (steps >= 10) await contestant.run(key, Math.ceil(steps / 10));
        const perStep = await contestant.run(key, steps);
        // Whatever else the machine does makes a slice slower, never faster.
        nanoseconds[round] = Math.min(perStep, nanoseconds[round] ?? perStep);
      }
    }
  } finally {
    for (const { contestant, key } of present) await contestant.free(key).catch(() => {});
  }
  return present;
}

/**
 * Starts with another entry in each slice, and goes backwards in every other: nobody always follows the same one.
 *
 * @template T
 * @param {readonly T[]} entries
 * @param {number} slice
 */
function order(entries, slice) {
  const first = slice % entries.length;
  const rotated = [...entries.slice(first), ...entries.slice(0, first)];
  return slice % 2 === 0 ? rotated : rotated.reverse();
}

/** Milliseconds from which one step is a long slice by itself: one per round is enough. */
const SLOW = 100;

/**
 * Runs for at least `warm` ms, until engines have optimized. Returns how many steps fill a slice.
 *
 * @param {Resolved} entry
 * @param {number} warm
 * @param {number} slice
 */
async function warmUp({ contestant, key }, warm, slice) {
  let steps = 1;
  let perStep = 0;
  for (let spent = 0, calls = 0; spent < warm || calls < 3; calls++) {
    perStep = (await contestant.run(key, steps)) / 1e6;
    spent += perStep * steps;
    if (spent > 20 * warm) break;
    steps = stepsWithin(slice, perStep);
  }
  return { steps: stepsWithin(slice, perStep), isSlow: perStep > SLOW };
}

/**
 * @param {number} milliseconds
 * @param {number} perStep
 */
const stepsWithin = (milliseconds, perStep) => Math.max(1, Math.min(1e6, Math.round(milliseconds / perStep)));

/**
 * Throws unless all entries compute what the first one computes.
 *
 * @param {readonly Running[]} entries
 */
async function compare(entries) {
  const first = new Map();
  for (const entry of entries) {
    if (!entry.computes) continue;
    const { contestant, key, sizes, regime, options } = entry;
    const before = await contestant.values(key);
    await contestant.run(key, COMPARED_STEPS);
    const after = await contestant.values(key);
    const model = JSON.stringify([sizes, regime, options]);
    const reference = first.get(model);
    if (!reference) {
      first.set(model, after);
      continue;
    }
    let [farthest, difference] = [0, 0];
    let equal = after.length === reference.length;
    for (let i = 0; i < reference.length; i++) {
      farthest = Math.max(farthest, Math.abs(reference[i] - before[i]));
      difference = Math.max(difference, Math.abs(reference[i] - after[i]));
      equal &&= Object.is(reference[i], after[i]);
    }
    entry.difference = difference === 0 ? 0 : difference / farthest;
    const wanted = sameBits.includes(entry.key) ? equal : entry.difference <= TOLERANCE;
    if (!wanted) throw new Error(`${entry.key} computes something else: ${entry.difference} for ${model}`);
  }
}
