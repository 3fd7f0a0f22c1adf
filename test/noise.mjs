// Arrays of numbers of all kinds from a seed, so that a failure is reported in a line however long they are.

/**
 * Around 1; of all magnitudes; near the subnormals; of any finite bits; of any bits at all; around 1, but most of them 0, or
 * some of them not finite.
 *
 * @typedef {"unit" | "magnitudes" | "small" | "finite" | "any" | "dead" | "special"} Kind
 */

/** @typedef {{ readonly seed: number, readonly kind: Kind }} Noise */

/**
 * The numbers.
 *
 * @param {number} length
 * @param {Noise} noise
 */
export function numbers(length, { seed, kind }) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  // Bits, not a power of 10: that is not the same in every engine.
  const fromBits = (/** @type {number} */ bits) => {
    word[0] = bits;
    return /** @type {number} */ (float[0]);
  };
  const number = () => {
    const draw = next();
    const unit = draw / 2 ** 31 - 1;
    switch (kind) {
      case "unit":
        return unit;
      case "dead":
        return next() % 16 < 12 ? 0 : unit;
      case "special":
        return next() % 16 < 2 ? ([Number.NaN, Number.POSITIVE_INFINITY, -0, 0][draw % 4] ?? 0) : unit;
      case "magnitudes":
        return fromBits((draw & 0x807fffff) | ((next() % 240) << 23));
    }
    const special = next() % 16;
    if (special === 0) return draw % 2 ? 0 : -0;
    if (kind === "any" && special === 1) return draw % 2 ? Number.NaN : Number.POSITIVE_INFINITY;
    // An exponent of 255 is infinity or NaN; up to 12, the number is less than 2⁻¹¹⁵.
    if (kind === "small") return fromBits((draw & 0x807fffff) | ((draw % 13) << 23));
    const drawn = fromBits(draw);
    return kind === "any" || Number.isFinite(drawn) ? drawn : fromBits(draw & 0xbfffffff);
  };
  return Float32Array.from({ length }, number);
}
