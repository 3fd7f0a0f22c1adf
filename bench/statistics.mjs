// Medians, quartiles, and how well a median is known.

/** @param {ArrayLike<number>} numbers */
const sorted = (numbers) => Float64Array.from(numbers).sort();

/**
 * The `q`-quantile, interpolated linearly.
 *
 * @param {ArrayLike<number>} numbers
 * @param {number} q
 */
export function quantile(numbers, q) {
  const ordered = sorted(numbers);
  const at = (ordered.length - 1) * q;
  const low = ordered[Math.floor(at)];
  return low + (ordered[Math.ceil(at)] - low) * (at - Math.floor(at));
}

/** @param {ArrayLike<number>} numbers */
export const median = (numbers) => quantile(numbers, 0.5);

/**
 * Median and quartiles.
 *
 * @param {ArrayLike<number>} numbers
 */
export const summary = (numbers) => ({
  median: median(numbers),
  low: quantile(numbers, 0.25),
  high: quantile(numbers, 0.75),
});

/**
 * A confidence interval of the median, at least 95 % for any distribution: from the `rank`-th smallest to the `rank`-th largest
 * number. How many numbers lie below the median has a binomial distribution (W. J. Conover, *Practical Nonparametric
 * Statistics*, 3.2).
 *
 * @param {ArrayLike<number>} numbers
 */
export function interval(numbers) {
  const ordered = sorted(numbers);
  const n = ordered.length;
  let rank = 0;
  for (let heads = 2 ** -n, atMost = heads; atMost <= 0.025; atMost += heads) {
    rank++;
    heads *= (n - rank + 1) / rank;
  }
  return { low: ordered[Math.max(0, rank - 1)], high: ordered[Math.min(n - 1, n - rank)] };
}

/**
 * Ratios round by round: what disturbs a round disturbs both of its numbers.
 *
 * @param {readonly number[]} numerator
 * @param {readonly number[]} denominator
 */
export const ratios = (numerator, denominator) => numerator.map((number, i) => number / denominator[i]);
