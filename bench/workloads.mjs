// What is measured: models, configurations, and regimes of numbers.

/** Models: their tensors as the protocol writes them, and how they are called. */
export const workloads = {
  small: { title: "4 small tensors", sizes: "128,16,64,4" },
  256: { title: "256", sizes: "256" },
  "4k": { title: "4 k", sizes: "4096" },
  "64k": { title: "64 k", sizes: "65536" },
  "1M": { title: "1 M", sizes: "1048576" },
  "16M": { title: "16 M", sizes: "16777216" },
  "60 tensors": { title: "60 tensors, 3 M", sizes: "512x20,32768x20,116720x20" },
  "1000x8": { title: "1,000 × 8", sizes: "8x1000" },
  /** The same number of parameters as 1,000 × 8. */
  8000: { title: "8,000", sizes: "8000" },
};

const everything = { momentum: 0.9, centered: 1, use_ema: 1, weight_decay: 0.004, global_clipnorm: 1 };

/** Options in Keras' names. */
export const configurations = {
  default: {},
  momentum: { momentum: 0.9 },
  centered: { centered: 1 },
  EMA: { use_ema: 1 },
  "weight decay": { weight_decay: 0.004 },
  clipnorm: { clipnorm: 1 },
  "global clipnorm": { global_clipnorm: 1 },
  "all together": everything,
};

/** What numbers a model is fed, and what that does to its state. */
export const regimes = {
  dense: "ordinary gradients",
  zero: "all gradients zero, state at zero",
  stuck: "all gradients zero, state stuck at 4 × 2⁻¹⁴⁹",
  tiny: "gradients of 1e-20: their squares are subnormal",
  alternating: "every other group of 16 as in “stuck”",
  dead: "one element in 8 as in “stuck”: units without gradients beside live ones",
  rare: "one gradient in 32 is 1e-21",
  graded: "gradients from 1 down to 2⁻¹³⁰",
};

/**
 * Parameters of a list of tensors.
 *
 * @param {string} sizes
 */
export const parametersOf = (sizes) =>
  sizes.split(",").reduce((sum, part) => {
    const [size, count = "1"] = part.split("x");
    return sum + Number(size) * Number(count);
  }, 0);

/**
 * How many tensors a list has.
 *
 * @param {string} sizes
 */
export const tensorsOf = (sizes) => sizes.split(",").reduce((sum, part) => sum + Number(part.split("x")[1] ?? 1), 0);

/**
 * `options` as the protocol writes them.
 *
 * @param {keyof typeof configurations} configuration
 */
export const optionsOf = (configuration) =>
  Object.entries(configurations[configuration]).map(([name, number]) => `${name}=${number}`);
