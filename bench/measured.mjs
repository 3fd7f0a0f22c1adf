// What a match of contestants has measured.
import { ratios } from "./statistics.mjs";

/** @import { MeasuredMatch } from "./types.js" */

/**
 * Nanoseconds of an entry, one number for each round; `undefined` unless it was measured.
 *
 * @param {Pick<MeasuredMatch, "entries"> | undefined} match
 * @param {string} key
 */
export const timesOf = (match, key) => match?.entries.find((entry) => entry.key === key)?.nanoseconds;

/**
 * Ratios of two entries, round by round; `null` unless both were measured.
 *
 * @param {Pick<MeasuredMatch, "entries"> | undefined} match
 * @param {string} over
 * @param {string} under
 */
export function ratiosOf(match, over, under) {
  const [numerator, denominator] = [timesOf(match, over), timesOf(match, under)];
  return numerator && denominator ? ratios(numerator, denominator) : null;
}
