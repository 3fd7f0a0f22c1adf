// What the campaigns draw: numbers of all magnitudes and kinds, options, noise.
import * as fc from "fast-check";

/** Float32 numbers, most of them usual; zeros, subnormals, the ends of the range, and what is not finite. */
export const float = fc.oneof(
  { arbitrary: fc.double({ min: -2, max: 2, noNaN: true }).map(Math.fround), weight: 6 },
  { arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }), weight: 3 },
  { arbitrary: fc.constantFrom(0, -0, 1e-45, -1e-45, 1e-40, 1.17549435e-38, 3.4028235e38, 1e-20, -1e-23), weight: 2 },
  { arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), weight: 1 },
);

/** Any number that JavaScript can hand to an export. */
export const anyNumber = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    2,
    3,
    -1,
    0.5,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    -(2 ** 31),
    2 ** 53,
    1e300,
    -1e300,
  ),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e-45),
  fc.double(),
  fc.integer(),
  fc.nat(20),
);

/** Noise of those kinds that find most. */
export const noise = fc.record({
  seed: fc.nat(2 ** 31 - 1),
  kind: fc.constantFrom(.../** @type {const} */ (["unit", "unit", "magnitudes", "small", "dead", "special"])),
});

const orNull = (/** @type {fc.Arbitrary<number>} */ arbitrary) => fc.option(arbitrary, { nil: null });
const unit = fc.double({ min: 0, max: 1, noNaN: true });
const threshold = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
const off = { clipnorm: null, globalClipnorm: null, clipvalue: null };

/** All options, each given. @type {fc.Arbitrary<import("./model.mjs").Options>} */
export const options = fc
  .record({
    learningRate: fc.oneof(unit, fc.constantFrom(0, 1e-40, -0.1)),
    rho: fc.oneof(unit, fc.constantFrom(0, 1, 0.9, 0.999, 1.5)),
    momentum: fc.oneof(fc.constant(0), unit),
    epsilon: fc.oneof(fc.constant(1e-7), fc.constantFrom(0, 1e-40, -1e-3), unit),
    centered: fc.boolean(),
    weightDecay: orNull(fc.oneof(unit, fc.constant(0))),
    clip: fc.oneof(
      fc.constant({}),
      threshold.map((clipnorm) => ({ clipnorm })),
      threshold.map((globalClipnorm) => ({ globalClipnorm })),
      threshold.map((clipvalue) => ({ clipvalue })),
    ),
    useEma: fc.boolean(),
    emaMomentum: unit,
    emaOverwriteFrequency: fc.constantFrom(null, 1, 2, 3),
    lossScaleFactor: fc.constantFrom(null, null, 1024, 3.7, 1e-3),
    gradientAccumulationSteps: fc.constantFrom(null, null, 2, 3),
    epsilonMode: fc.constantFrom(/** @type {const} */ ("inside"), /** @type {const} */ ("outside")),
    momentumMode: fc.constantFrom(/** @type {const} */ ("keras"), /** @type {const} */ ("torch")),
    weightDecayMode: fc.constantFrom(/** @type {const} */ ("decoupled"), /** @type {const} */ ("coupled")),
    maximize: fc.boolean(),
    initialVelocity: fc.constantFrom(0, 0, 1, 1e-42),
  })
  .map(({ clip, useEma, ...others }) => {
    const average = useEma ? {} : { emaMomentum: 0.99, emaOverwriteFrequency: null };
    return { ...others, ...off, ...clip, useEma, ...average };
  });

/** Lengths around those at which groups, blocks and pairwise sums end. */
export const length = fc.oneof(
  { arbitrary: fc.nat(20), weight: 4 },
  { arbitrary: fc.constantFrom(63, 64, 65, 127, 128, 129, 136, 300, 513), weight: 1 },
);
