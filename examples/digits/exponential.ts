// An exponential with the same bits everywhere. The language leaves the last bits of `Math.exp` to the engine, and they do
// differ; addition, multiplication and division are exact IEEE 754 operations in all of them.

/** ln 2 in two parts (W. J. Cody and W. Waite, 1980). The high one ends in 21 zero bits, so `n * LN2_HIGH` is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** 1/13!, 1/12!, … 1/3!, 1/2! */
const coefficients = [1 / 2];
for (let n = 3; n <= 13; n++) coefficients.unshift(coefficients[0]! / n);

/**
 * eˣ = 2ⁿ · eʳ with a whole n and |r| ≤ ln 2 / 2, and eʳ = 1 + r + r²/2! + … + r¹³/13!.
 *
 * Within 1 unit in the last place (ulp) wherever eˣ is a normal number. The worst case is r < 0, with eʳ just above 0.7: the last
 * addition rounds by ½ ulp, the one before (its sum is below ½) by ¼; the terms from r² on are below 0.054 and wrong by about three
 * roundings of their own, 0.2 ulp; and the terms left out are less than |r|¹⁴ / 14! < 4.2e-18 (Lagrange), 0.04 ulp.
 */
export function exponential(x: number): number {
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  if (x < -745.133219101942) return 0;
  const n = Math.round(x / Math.LN2);
  const high = x - n * LN2_HIGH;
  const low = n * LN2_LOW;
  const r = high - low;
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * r + coefficient;
  return scaled(1 + (high + (sum * (r * r) - low)), n); // with r in its two parts, because here its rounding would show
}

/** `value` · 2ⁿ, by repeated squaring; in two halves, because 2¹⁰²⁴ is not a number while e⁷⁰⁹·⁷⁸ still is. */
function scaled(value: number, n: number): number {
  const half = Math.trunc(n / 2);
  return value * powerOfTwo(half) * powerOfTwo(n - half);
}

function powerOfTwo(n: number): number {
  let result = 1;
  let base = n < 0 ? 0.5 : 2;
  for (let left = Math.abs(n); left > 0; left >>= 1) {
    if (left & 1) result *= base;
    base *= base;
  }
  return result;
}
