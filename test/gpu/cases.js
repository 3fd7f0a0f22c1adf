// What every backend must compute as the core does: option sets, gradients, and the comparison of bits. For Node and browsers.

/** @import { LastStepNumbers as Numbers } from "rmsprop-wasm/tfjs" */
/** @import { Case, Gradients, Kind, Rmsprop, Tf, Tfjs } from "./types.js" */

/** Steps of each case. */
export const STEPS = 40;
/** Steps of which all numbers are compared: updates, what only accumulates, and what is skipped. */
const WATCHED = [0, 1, 5, 13, 39];

/** @satisfies {import("./types.js").NamedSchedule} */
const cosine = {
  schedule: "CosineDecay",
  initialLearningRate: 0.001,
  warmupTarget: 0.02,
  warmupSteps: 5,
  decaySteps: 30,
};
/** @satisfies {import("./types.js").NamedSchedule} */
const restarts = { schedule: "CosineDecayRestarts", initialLearningRate: 0.02, firstDecaySteps: 7 };

/** @type {Case["overrides"]} */
const OVERRIDES = {
  _0_: { learningRateMultiplier: 0.3 },
  _2_: { learningRateMultiplier: 0.3, weightDecay: 0.5 },
  _3_: { trainable: false },
  _4_: { weightDecay: false },
};

/** @type {Readonly<Record<string, Case>>} */
export const CASES = {
  defaults: { options: {} },
  momentum: { options: { momentum: 0.9, learningRate: 0.01 } },
  centered: { options: { centered: true, learningRate: 0.01 } },
  "momentum, centered": { options: { centered: true, momentum: 0.5, learningRate: 0.01, rho: 0.95 } },
  "weight decay with exclusion, cosine": { options: { weightDecay: 0.02, learningRate: cosine }, exclude: ["_1_"] },
  "function as rate": { options: { learningRate: (step) => 0.01 / (1 + step), momentum: 0.8 } },
  clipvalue: { options: { clipvalue: 0.3 } },
  "clipvalue, momentum, centered": { options: { clipvalue: 0.01, momentum: 0.5, centered: true } },
  "average, overwriting": { options: { useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 4 } },
  "average with all state": {
    options: { useEma: true, momentum: 0.9, centered: true, weightDecay: 0.1 },
    finalize: true,
  },
  accumulation: { options: { gradientAccumulationSteps: 3, centered: true } },
  "accumulation, average": {
    options: { gradientAccumulationSteps: 4, useEma: true, emaOverwriteFrequency: 2, momentum: 0.9 },
  },
  "loss scale": { options: { lossScaleFactor: 128, rho: 0.99, epsilon: 1e-3 } },
  "loss scale that is no power of two": { options: { lossScaleFactor: 3.7 } },
  "epsilon outside, torch's momentum": {
    options: { epsilonMode: "outside", momentumMode: "torch", momentum: 0.9, weightDecay: 0.01 },
  },
  "coupled decay with exclusion": {
    options: { weightDecay: 0.02, weightDecayMode: "coupled", momentum: 0.9, initialVelocity: 1 },
    exclude: ["_1_"],
  },
  "maximize, coupled decay, clipvalue": {
    options: { maximize: true, weightDecay: 0.02, weightDecayMode: "coupled", clipvalue: 0.3, centered: true },
  },
  maximize: { options: { maximize: true, initialVelocity: 1, momentum: 0.9, weightDecay: 0.01 } },
  "maximize, accumulation, loss scale": {
    options: { maximize: true, gradientAccumulationSteps: 3, lossScaleFactor: 3.7 },
  },
  "maximize, coupled decay, globalClipnorm": {
    options: { maximize: true, weightDecay: 0.02, weightDecayMode: "coupled", globalClipnorm: 0.5, useEma: true },
    isNorm: true,
  },
  "maximize, coupled decay, dynamic scale": {
    options: {
      ...{ maximize: true, weightDecay: 0.02, weightDecayMode: "coupled", initialVelocity: 1, useEma: true },
      lossScale: { initialScale: 64, dynamicGrowthSteps: 4 },
    },
    spikes: true,
  },
  "epsilon outside, centered": { options: { epsilonMode: "outside", centered: true, learningRate: 0.01 } },
  "epsilon 0": { options: { epsilon: 0, centered: true, learningRate: 0.01 }, kinds: ["normal"] },
  "torch's momentum, restarts": { options: { momentumMode: "torch", momentum: 0.9, learningRate: restarts } },
  "all but norms": {
    options: {
      ...{ momentum: 0.9, centered: true, weightDecay: 0.004, clipvalue: 0.5, useEma: true, emaOverwriteFrequency: 5 },
      ...{ lossScaleFactor: 8, gradientAccumulationSteps: 2, learningRate: cosine },
    },
  },
  overrides: {
    options: { learningRate: cosine, weightDecay: 0.02, useEma: true, emaOverwriteFrequency: 3, momentum: 0.9 },
    overrides: OVERRIDES,
  },
  "overrides, dynamic scale": {
    options: {
      ...{ learningRate: cosine, weightDecay: 0.02, useEma: true, emaOverwriteFrequency: 3, momentum: 0.9 },
      lossScale: { initialScale: 64, dynamicGrowthSteps: 4 },
    },
    overrides: OVERRIDES,
    spikes: true,
  },
  clipnorm: { options: { clipnorm: 0.5 }, isNorm: true },
  "clipnorm with all": {
    options: { clipnorm: 0.5, lossScaleFactor: 3, gradientAccumulationSteps: 2, momentum: 0.5, useEma: true },
    isNorm: true,
  },
  globalClipnorm: { options: { globalClipnorm: 0.5 }, isNorm: true },
  "globalClipnorm with all": {
    options: { globalClipnorm: 1, momentum: 0.9, centered: true, weightDecay: 0.004, useEma: true, lossScaleFactor: 5 },
    isNorm: true,
  },
  "dynamic scale": { options: { lossScale: { initialScale: 1024, dynamicGrowthSteps: 5 } }, spikes: true },
  "dynamic scale, cosine, average": {
    options: {
      ...{ learningRate: cosine, useEma: true, emaOverwriteFrequency: 3, momentum: 0.9, weightDecay: 0.1 },
      lossScale: { initialScale: 64, dynamicGrowthSteps: 4, maximumScale: 128, minimumScale: 8 },
    },
    spikes: true,
  },
  "dynamic scale, accumulation, average": {
    options: {
      ...{ gradientAccumulationSteps: 3, useEma: true, emaOverwriteFrequency: 2, centered: true, learningRate: cosine },
      lossScale: { initialScale: 64, dynamicGrowthSteps: 4 },
    },
    spikes: true,
  },
  "dynamic scale with all state": {
    options: {
      ...{ momentum: 0.9, centered: true, weightDecay: 0.01, clipvalue: 0.5, useEma: true, emaOverwriteFrequency: 4 },
      ...{ learningRate: cosine, lossScale: { initialScale: 64, dynamicGrowthSteps: 4 } },
    },
    spikes: true,
  },
  "dynamic scale, globalClipnorm": {
    options: { globalClipnorm: 0.5, useEma: true, lossScale: { initialScale: 64, dynamicGrowthSteps: 4 } },
    spikes: true,
    isNorm: true,
  },
  "dynamic scale, clipnorm": {
    options: { clipnorm: 0.5, momentum: 0.3, lossScale: { initialScale: 64, dynamicGrowthSteps: 4 } },
    spikes: true,
    isNorm: true,
  },
};

/**
 * The options with schedules of `rmsprop-wasm`.
 *
 * @param {Case} of
 * @param {Rmsprop} rmsprop
 * @returns {import("rmsprop-wasm/tfjs").RMSpropTfjsOptions}
 */
export function optionsOf({ options }, rmsprop) {
  const { learningRate } = options;
  const given = /** @type {import("rmsprop-wasm/tfjs").RMSpropTfjsOptions} */ (options);
  if (typeof learningRate !== "object") return given;
  const { schedule, ...parameters } = learningRate;
  /** @type {new (options: never) => import("rmsprop-wasm").LearningRateSchedule} */
  const Schedule = rmsprop[schedule];
  return { ...given, learningRate: new Schedule(/** @type {never} */ (parameters)) };
}

/**
 * Numbers that look random, the same everywhere.
 *
 * @param {number} seed
 */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * @typedef {() => number} Random
 * @type {Readonly<Record<Kind, (random: Random) => number>>} Gradients by kind: of many sizes, and with zeros of both signs among them.
 */
const GRADIENTS = {
  normal: (random) => (random() - 0.5) * 10 ** (random() * 13 - 9),
  zeros: (random) => (random() < 0.5 ? (random() < 0.5 ? -0 : 0) : (random() - 0.5) * 10 ** (random() * 6 - 3)),
};

/** @type {readonly Kind[]} */
export const KINDS = ["normal", "zeros"];
const SHAPES = [[16, 13], [7], [3, 5, 4], [], [2, 1, 3, 1, 2]];
/** @type {Readonly<Record<number, number>>} Steps in which a gradient is not finite, in cases with `spikes`. */
const SPIKES = {
  4: Number.POSITIVE_INFINITY,
  5: Number.POSITIVE_INFINITY,
  13: Number.NaN,
  22: Number.NEGATIVE_INFINITY,
};

/** @param {readonly number[]} shape */
export const sizeOf = (shape) => shape.reduce((size, length) => size * length, 1);

/**
 * The variables of a case: names, shapes, first values; and their gradients in each step, `null` for one now and then.
 *
 * @param {Case} of
 */
export function problem(of, steps = STEPS) {
  const random = generator(12345);
  const kinds = of.kinds ?? KINDS;
  const variables = SHAPES.flatMap((shape, i) =>
    kinds.map((kind) => ({
      name: `${kind}_${i}_`,
      kind,
      shape,
      values: Float32Array.from({ length: sizeOf(shape) }, () => (random() - 0.5) * 4),
    })),
  );
  const gradients = Array.from({ length: steps }, (_, step) =>
    variables.map(({ kind, values }, i) => {
      const gradient = Float32Array.from(values, () => GRADIENTS[kind](random));
      if (of.spikes && i === 1 && step in SPIKES) gradient[1] = /** @type {number} */ (SPIKES[step]);
      return i === 1 && step % 5 === 3 ? null : gradient;
    }),
  );
  return { variables, gradients };
}

/** @param {number} number */
const word = (number) => (Number.isNaN(number) ? 0x7fc00000 : new Uint32Array(Float32Array.of(number).buffer)[0]);

/**
 * How many numbers differ in a bit, and by how much at most, relative to the number or to `scale`.
 *
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 */
export function difference(actual, expected, scale = 0) {
  let [count, relative] = [actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [/** @type {number} */ (actual[i]), /** @type {number} */ (expected[i])];
    if (word(a) === word(e)) continue;
    count++;
    const by = Math.abs(a - e) / Math.max(Math.abs(e), scale);
    if (!(by <= relative)) relative = by;
  }
  return { count, relative };
}

/** The largest relative difference where sums are in it. */
export const TOLERANCE = 1e-6;

/**
 * What the core computes.
 *
 * @param {Case} of
 * @param {Rmsprop} rmsprop
 * @param {import("rmsprop-wasm").Measure} [measure]
 */
export function expected(of, rmsprop, steps = STEPS, measure = {}) {
  const { RMSprop, LossScaleOptimizer, Variable } = rmsprop;
  const { variables, gradients } = problem(of, steps);
  const { lossScale, ...options } = optionsOf(of, rmsprop);
  const list = variables.map(({ name, shape, values }) => new Variable(values, { name, path: name, shape }));
  const inner = new RMSprop({ ...options, measure });
  const core = lossScale ? new LossScaleOptimizer(inner, lossScale) : inner;
  core.build(list);
  if (of.exclude) core.excludeFromWeightDecay({ names: of.exclude });
  for (const [name, own] of Object.entries(of.overrides ?? {})) core.override({ names: [name] }, own);
  /** @type {Map<number, Numbers | undefined>} */
  const watched = new Map();
  for (const [step, each] of gradients.entries()) {
    core.apply(each, list);
    if (WATCHED.includes(step)) watched.set(step, core.lastStep?.toJSON());
  }
  if (of.finalize) core.finalizeVariableValues();
  return { core, list, watched };
}

/**
 * Calls `notes` with the first arguments of the backend's methods of these names while `work` runs. Methods that the backend has
 * not are left out.
 *
 * @param {Tf} tf
 * @param {Readonly<Record<string, (argument: any) => void>>} notes
 * @param {() => void} work
 */
export function watched(tf, notes, work) {
  const backend = /** @type {Record<string, any>} */ (/** @type {unknown} */ (tf.backend()));
  const undo = Object.entries(notes).flatMap(([name, note]) => {
    const original = backend[name];
    if (!original) return [];
    backend[name] = function (/** @type {unknown[]} */ ...args) {
      note(args[0]);
      return original.apply(this, args);
    };
    return () => {
      backend[name] = original;
    };
  });
  try {
    work();
  } finally {
    for (const restore of undo) restore();
  }
}

/**
 * Counts what is read from the backend while `work` runs.
 *
 * @param {Tf} tf
 * @param {() => void} work
 */
export function reads(tf, work) {
  let count = 0;
  const note = () => count++;
  watched(tf, { read: note, readSync: note }, work);
  return count;
}

/**
 * What differs of what a step did.
 *
 * @param {number} step
 * @param {Numbers | undefined} actual
 * @param {Numbers | undefined} right
 * @param {Case} of
 */
function wrongNumbers(step, actual, right, of) {
  const isWrong = (/** @type {keyof Numbers} */ name) => {
    const [a, e] = [actual?.[name], right?.[name]];
    if (name === "finite" && !of.options.lossScale) return a !== null;
    if (typeof a !== "number" || typeof e !== "number" || !/norm|factor/i.test(name)) return !Object.is(a, e);
    return !(difference([a], [e]).relative <= TOLERANCE);
  };
  return NUMBERS.filter(isWrong).map((name) => `${name} of step ${step} is ${actual?.[name]}, not ${right?.[name]}`);
}

/** @type {readonly (keyof Numbers)[]} */
const NUMBERS = ["outcome", "learningRate", "lossScale", "finite", "gradientNorm", "clipFactor", "updateNorm"];

/**
 * Runs a case on tfjs' backend in use, and compares with the core.
 *
 * @param {Tf} tf
 * @param {Tfjs} tfjs
 * @param {Rmsprop} rmsprop
 * @param {Case} of
 * @param {{ resident?: true | "composed", steps?: number, measure?: import("rmsprop-wasm").Measure }} [how]
 * @returns {Promise<string[]>} complaints: none if all is right.
 */
export async function check(tf, tfjs, rmsprop, of, { resident = true, steps = STEPS, measure = {} } = {}) {
  const { variables, gradients } = problem(of, steps);
  const before = tf.memory().numTensors;
  const list = variables.map(({ name, shape, values }) =>
    tf.tidy(() => tf.variable(tf.tensor(values, shape), true, name)),
  );
  const optimizer = tfjs.rmsprop(tf, { ...optionsOf(of, rmsprop), resident, measure });
  if (of.exclude) optimizer.excludeFromWeightDecay({ names: of.exclude });
  for (const [name, own] of Object.entries(of.overrides ?? {})) optimizer.override({ names: [name] }, own);
  /** @type {string[]} */
  const complaints = [];
  let held = 0;
  /** @type {Map<number, Numbers | undefined>} */
  const watched = new Map();
  for (const [step, each] of gradients.entries()) {
    const tensors = each.map((gradient, i) => gradient && tf.tensor(gradient, variables[i].shape));
    const named = tensors.map((tensor, i) => ({ name: variables[i].name, tensor }));
    const count = reads(tf, () => optimizer.applyGradients(/** @type {Gradients} */ (named)));
    if (count > 0) complaints.push(`step ${step} reads ${count} times`);
    tf.dispose(tensors.filter((tensor) => tensor !== null));
    if (WATCHED.includes(step)) watched.set(step, await optimizer.lastStep?.read());
    // A step that only accumulates has no norms.
    const own = Object.values(optimizer.lastStep ?? {}).filter((value) => value?.dataId).length;
    const numTensors = tf.memory().numTensors - own;
    if (step === 9) held = numTensors;
    if (step > 9 && numTensors !== held) complaints.push(`step ${step}: ${numTensors} tensors, not ${held}`);
  }
  if (of.finalize) optimizer.finalizeVariableValues();

  const { core, list: wanted, watched: right } = expected(of, rmsprop, steps, measure);
  for (const [step, numbers] of watched) complaints.push(...wrongNumbers(step, numbers, right.get(step), of));
  // Where terms cancel, what is left has the rounding of the terms: differences are relative to the largest number of the array.
  /** @type {(what: string, actual: ArrayLike<number>, right: Float32Array) => void} */
  const compare = (what, actual, right) => {
    const scale = right.reduce((most, number) => Math.max(most, Math.abs(number)), 1e-30);
    const { count, relative } = difference(actual, right, scale);
    if (of.isNorm ? !(relative <= TOLERANCE) : count > 0) {
      complaints.push(`${what}: ${count} of ${right.length} differ, by ${relative.toExponential(1)}`);
    }
  };
  for (const [i, variable] of list.entries()) compare(variable.name, await variable.data(), wanted[i].value);
  const weights = new Map((await optimizer.getWeights()).map(({ name, tensor }) => [name, tensor]));
  /** @type {Map<unknown, string>} */
  const names = new Map(wanted.map((variable, i) => [variable, list[i].name]));
  const state = core.variables.filter(({ slot }) => slot !== null);
  for (const { slot, variable, value } of state) {
    const name = `${names.get(variable)}/${slot}`;
    const tensor = weights.get(name);
    if (tensor) compare(name, await tensor.data(), Float32Array.from(value));
    else complaints.push(`${name} is missing`);
  }
  const given = [...weights.keys()].filter((name) => name.includes("/"));
  if (given.length !== state.length) complaints.push(`${given.length} arrays of state, not ${state.length}`);
  const counter = (await weights.get("iter")?.data())?.[0];
  if (counter !== core.rawIterations) complaints.push(`iter is ${counter}, not ${core.rawIterations}`);
  if (core instanceof rmsprop.LossScaleOptimizer) {
    for (const [name, right] of Object.entries({ dynamic_scale: core.dynamicScale, step_counter: core.stepCounter })) {
      const value = (await weights.get(name)?.data())?.[0];
      if (value !== right) complaints.push(`${name} is ${value}, not ${right}`);
    }
  }
  optimizer.dispose();
  tf.dispose(list);
  if (tf.memory().numTensors !== before) complaints.push(`${tf.memory().numTensors - before} tensors are left`);
  core.free();
  for (const variable of wanted) variable.free();
  return complaints;
}
