// Medians, quartiles, and how well a median is known.

const sorted = (numbers) => Float64Array.from(numbers).sort();

/** The number below which the share `q` of the numbers lies; between two numbers by a straight line. */
export function quantile(numbers, q) {
  const ordered = sorted(numbers);
  const at = (ordered.length - 1) * q;
  const low = ordered[Math.floor(at)];
  return low + (ordered[Math.ceil(at)] - low) * (at - Math.floor(at));
}

export const median = (numbers) => quantile(numbers, 0.5);

/** Median and quartiles. */
export const summary = (numbers) => ({
  median: median(numbers),
  low: quantile(numbers, 0.25),
  high: quantile(numbers, 0.75),
});

/**
 * A 95 % confidence interval of the median, whatever the numbers' distribution: the order statistics around the middle by
 * the normal approximation of the binomial (W. J. Conover, *Practical Nonparametric Statistics*, 3.2).
 */
export function interval(numbers) {
  const ordered = sorted(numbers);
  const n = ordered.length;
  const reach = 0.98 * Math.sqrt(n);
  const place = (at) => ordered[Math.min(n - 1, Math.max(0, at))];
  return { low: place(Math.floor(n / 2 - reach)), high: place(Math.ceil(n / 2 + reach) - 1) };
}

/** Ratios round by round: what disturbs a round disturbs both of its numbers. */
export const ratios = (numerator, denominator) => numerator.map((number, i) => number / denominator[i]);
