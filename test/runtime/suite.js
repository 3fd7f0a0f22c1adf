// What must work in every environment: one synchronous function of the package's namespace, in nothing but ECMAScript.
// No imports, and no syntax of modules but `export` at the beginning of a line: kit.mjs makes a classic script of it.

/** @import { Gradient, LearningRateSchedule, Runtime, RuntimeOptions } from "rmsprop-wasm" */

/** @import { Limits, Package, Report, Result, Scenario } from "./types.js" */

/** The CRC-32 of everything that the scenarios leave behind, on every host and both backends. */
export const CRC = "cf8b701d";

/** Steps of each scenario. */
export const STEPS = 200;

/**
 * The variables of each scenario: a scalar, less than a vector register, more than a block of NumPy's sums, a matrix.
 *
 * @type {readonly (readonly number[])[]}
 */
export const SHAPES = [[], [3], [131], [9, 21]];

/**
 * What the scenarios train with. They are data, so that hosts without JavaScript can replay them (examples/python):
 * `options` are the constructor's, `schedule` is a class and its options, `scale` makes a LossScaleOptimizer, `absent`
 * leaves one variable after the other without a gradient, `exclude` is for `excludeFromWeightDecay`, `overwrite` and
 * `nonNeg` are indices of variables with those options, `reload` is the step before which everything is saved and loaded
 * into new objects, and `finalize` ends with the averages.
 *
 * @type {readonly Scenario[]}
 */
export const SCENARIOS = [
  { name: "defaults", options: {} },
  { name: "momentum", options: { learningRate: 0.01, momentum: 0.9, rho: 0.95, epsilon: 1e-5 } },
  { name: "centered, clipnorm", options: { learningRate: 0.02, centered: true, clipnorm: 0.5 }, reload: 100 },
  {
    name: "centered momentum, clipvalue, weight decay, nonNeg",
    options: { learningRate: 0.003, centered: true, momentum: 0.5, clipvalue: 0.25, weightDecay: 0.01 },
    exclude: ["variable_3"],
    nonNeg: [1, 3],
  },
  {
    name: "global clipnorm, moving average overwriting",
    options: { learningRate: 0.05, globalClipnorm: 1, useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 7 },
  },
  {
    name: "moving average, accumulation, finalized",
    options: { learningRate: 0.01, useEma: true, emaMomentum: 0.99, gradientAccumulationSteps: 3, momentum: 0.8 },
    reload: 52,
    finalize: true,
  },
  { name: "null gradients", options: { learningRate: 0.01, momentum: 0.9, clipnorm: 1 }, absent: true },
  { name: "static loss scale, overwriting", options: { lossScaleFactor: 1024 }, overwrite: [2] },
  {
    name: "dynamic loss scale",
    options: { learningRate: 0.01, centered: true, weightDecay: 0.001, globalClipnorm: 2 },
    scale: { initialScale: 32768, dynamicGrowthSteps: 5 },
    reload: 33,
  },
  {
    name: "exponential decay",
    options: {},
    schedule: ["ExponentialDecay", { initialLearningRate: 0.1, decaySteps: 30, decayRate: 0.7, staircase: true }],
    reload: 150,
  },
  {
    name: "inverse time decay",
    options: { gradientAccumulationSteps: 2 },
    schedule: ["InverseTimeDecay", { initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 }],
  },
  {
    name: "piecewise constant decay",
    options: { momentum: 0.3 },
    schedule: ["PiecewiseConstantDecay", { boundaries: [50, 120], values: [0.1, 0.01, 0.001] }],
  },
  {
    name: "polynomial decay",
    options: {},
    schedule: ["PolynomialDecay", { initialLearningRate: 0.1, decaySteps: 60, power: 1.7, cycle: true }],
  },
  {
    name: "cosine decay",
    options: {},
    schedule: [
      "CosineDecay",
      { initialLearningRate: 0, decaySteps: 120, alpha: 0.05, warmupTarget: 0.08, warmupSteps: 20 },
    ],
  },
  {
    name: "cosine decay with restarts",
    options: {},
    schedule: [
      "CosineDecayRestarts",
      { initialLearningRate: 0.1, firstDecaySteps: 25, tMul: 1.5, mMul: 0.9, alpha: 0.01 },
    ],
  },
];

/**
 * Numbers in [-1, 1) that look random and are the same everywhere: an integer recurrence, exact in float64.
 *
 * @param {number} seed
 */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The upper 24 bits: exact in float32 too.
    return (state >>> 8) / 8388608 - 1;
  };
}

/** CRC-32 (as zlib's) of all bytes given to it. */
function crc32() {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[i] = value;
  }
  let crc = -1;
  return {
    /** @param {Float32Array | Int32Array} array */
    add(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
    },
    value: () => `00000000${((crc ^ -1) >>> 0).toString(16)}`.slice(-8),
  };
}

/** @param {readonly number[]} shape */
const sizeOf = (shape) => shape.reduce((size, length) => size * length, 1);

/**
 * @param {Package} rmsprop
 * @param {NonNullable<Scenario["schedule"]>} schedule
 */
function scheduleOf(rmsprop, [name, options]) {
  const Schedule = /** @type {new (options: object) => LearningRateSchedule} */ (rmsprop[name]);
  return new Schedule(options);
}

/**
 * @param {Package} rmsprop
 * @param {Scenario} scenario
 */
function optimizerOf(rmsprop, { name, options, schedule, scale }) {
  const { RMSprop, LossScaleOptimizer } = rmsprop;
  const learningRate = schedule ? scheduleOf(rmsprop, schedule) : options.learningRate;
  const inner = new RMSprop({ ...options, learningRate, name });
  return scale ? new LossScaleOptimizer(inner, { ...scale, name: `${name} scale` }) : inner;
}

/**
 * One scenario in this runtime. Its last state goes into the checksum: values, then all of the optimizer's variables.
 *
 * @param {Package} rmsprop
 * @param {Runtime | undefined} runtime
 * @param {Scenario} scenario
 * @param {number} seed
 * @param {ReturnType<typeof crc32>} crc
 */
function train(rmsprop, runtime, scenario, seed, crc) {
  const { Variable, RMSprop, LossScaleOptimizer, nonNeg } = rmsprop;
  const random = generator(seed);
  let variables = SHAPES.map((shape, i) => {
    const options = {
      name: `variable_${i}`,
      shape,
      runtime,
      overwriteWithGradient: scenario.overwrite?.includes(i) ?? false,
      constraint: scenario.nonNeg?.includes(i) ? nonNeg : undefined,
    };
    return new Variable(Float32Array.from({ length: sizeOf(shape) }, random), options);
  });
  let optimizer = optimizerOf(rmsprop, scenario);
  if (scenario.exclude) optimizer.excludeFromWeightDecay({ names: scenario.exclude });
  optimizer.build(variables);
  for (let step = 0; step < STEPS; step++) {
    if (step === scenario.reload) {
      const config = JSON.parse(JSON.stringify(optimizer.getConfig()));
      const store = optimizer.saveOwnVariables();
      const values = variables.map(({ value }) => value.slice());
      optimizer.free();
      for (const variable of variables) variable.free();
      variables = SHAPES.map((shape, i) => new Variable(values[i], { name: `variable_${i}`, shape, runtime }));
      optimizer = scenario.scale ? LossScaleOptimizer.fromConfig(config) : RMSprop.fromConfig(config);
      optimizer.build(variables);
      optimizer.loadOwnVariables(store);
    }
    // Gradients of many magnitudes, times the loss scale (a power of two, so exact); now and then one overflows.
    const magnitude = 2 ** ((step % 9) - 4) * optimizer.scaleLoss(1);
    for (const { gradient } of variables) for (let i = 0; i < gradient.length; i++) gradient[i] = random() * magnitude;
    if (scenario.scale && step % 23 === 22) variables[2].gradient[100] = Number.POSITIVE_INFINITY;
    if (scenario.absent) {
      optimizer.apply(variables.map(({ gradient }, i) => (i === step % SHAPES.length ? null : gradient)));
    } else optimizer.step();
  }
  if (scenario.finalize) optimizer.finalizeVariableValues();
  for (const { value } of variables) crc.add(value);
  for (const { value } of optimizer.variables) crc.add(value);
  crc.add(Float32Array.of(optimizer.learningRate));
  optimizer.free();
  for (const variable of variables) variable.free();
}

/** What was thrown, as text. @param {unknown} error */
function said(error) {
  const { name, message } = /** @type {Error} */ (error ?? {});
  return `${name}: ${message}`;
}

/**
 * What `action` throws, as "RangeError: message".
 *
 * @param {() => unknown} action
 */
function thrown(action) {
  try {
    action();
  } catch (error) {
    return said(error);
  }
  return "nothing was thrown";
}

/**
 * Runs everything and never throws. The limits are how many optimizers are alive at once, and how many runtimes are made and
 * dropped: less for hosts with little memory, and 1 where the host made the instance: the default runtime alone.
 *
 * @param {Package} rmsprop
 * @param {Limits} [limits]
 * @returns {Report}
 */
export function suite(rmsprop, { optimizers = 1000, runtimes = 200 } = {}) {
  const { RMSprop, Variable, backend } = rmsprop;
  const createRuntime = (/** @type {RuntimeOptions} */ options = {}) =>
    runtimes === 1 ? undefined : rmsprop.createRuntime(options);
  /** @type {Result[]} */
  const results = [];
  const crc = crc32();
  const counts = { optimizers, runtimes };
  const test = (/** @type {string} */ name, /** @type {() => string | void} */ body) => {
    try {
      const detail = body();
      results.push({ name, ok: true, ...(detail && { detail }) });
    } catch (error) {
      results.push({ name, ok: false, detail: said(error) });
    }
  };
  const equal = (/** @type {unknown} */ found, /** @type {unknown} */ wanted, /** @type {string} */ what) => {
    if (!Object.is(found, wanted)) throw new Error(`${what} is ${found}, not ${wanted}`);
  };

  test("the seed example", () => {
    const w = new Variable(10.0, { name: "w" });
    const optimizer = new RMSprop({ learningRate: 0.1 });
    optimizer.build([w]);
    w.gradient[0] = w.value[0];
    optimizer.step();
    equal(new Uint32Array(w.value.slice().buffer)[0], 0x411af0bb, "the value's bits");
    optimizer.free();
    w.free();
  });

  for (const [i, scenario] of SCENARIOS.entries()) {
    test(scenario.name, () => {
      // Every other one in the default runtime.
      train(rmsprop, i % 2 ? createRuntime() : undefined, scenario, i + 1, crc);
      return crc.value();
    });
  }

  test("gradients of 16 bits", () => {
    // 1, -2, the largest and the smallest number of float16 and bfloat16, as bits; then their numbers.
    /** @type {Readonly<Record<"float16" | "bfloat16", [Uint16Array, number[]]>>} */
    const types = {
      float16: [Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001), [1, -2, 65504, 2 ** -24]],
      bfloat16: [Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x0001), [1, -2, (2 - 2 ** -7) * 2 ** 127, 2 ** -133]],
    };
    /**
     * @param {"float32" | "float16" | "bfloat16"} gradientDtype
     * @param {Gradient} gradient
     */
    const step = (gradientDtype, gradient) => {
      const variable = new Variable([1, 2, 3, 4], { gradientDtype });
      new RMSprop({ learningRate: 0.1, name: "o" }).apply([gradient], [variable]);
      return variable.value;
    };
    for (const dtype of /** @type {const} */ (["float16", "bfloat16"])) {
      const [bits, numbers] = types[dtype];
      const [found, wanted] = [step(dtype, bits), step("float32", numbers)];
      for (let i = 0; i < 4; i++) equal(found[i], wanted[i], `value ${i} of ${dtype}`);
    }
    if (typeof Float16Array !== "function") return "without a Float16Array";
    const [bits, numbers] = types.float16;
    const array = new Float16Array(numbers);
    for (let i = 0; i < 4; i++) {
      equal(new Uint16Array(array.buffer)[i], bits[i], `bits ${i} of the engine's`);
      equal(step("float16", array)[i], step("float16", bits)[i], `value ${i} of a Float16Array`);
      equal(step("float32", array)[i], step("float16", bits)[i], `value ${i} of a Float16Array for float32`);
    }
    return "with a Float16Array";
  });

  test("growth of memory", () => {
    const runtime = createRuntime({ maximumBytes: 2 ** 26 });
    const first = new Variable([1, 2, 3], { runtime });
    const optimizer = new RMSprop({ learningRate: 0.1 });
    optimizer.build([first]);
    first.gradient.set([1, 2, 3]);
    optimizer.step();
    const velocityNow = () => {
      const slot = optimizer.slot("velocity", first);
      if (!slot) throw new Error("there is no velocity");
      return slot;
    };
    const [value, velocity] = [first.value.slice(), velocityNow().slice()];
    const before = first.value.buffer.byteLength;
    const large = new Variable(new Float32Array(2 ** 20), { runtime });
    if (first.value.buffer.byteLength < before + 2 ** 22) throw new Error("the memory did not grow");
    equal(first.value.length, 3, "the view's length after growth");
    for (let i = 0; i < 3; i++) {
      equal(first.value[i], value[i], "a value after growth");
      equal(first.gradient[i], i + 1, "a gradient after growth");
      equal(velocityNow()[i], velocity[i], "a velocity after growth");
    }
    const view = first.value;
    optimizer.step();
    equal(first.value, view, "the view after a step");
    if (view[0] === value[0]) throw new Error("the view does not see the step");
    large.free();
    if (runtimes === 1) return;
    equal(runtime?.byteLength, first.value.buffer.byteLength, "the runtime's bytes");
    const error = thrown(() => new Variable(new Float32Array(2 ** 24), { runtime }));
    if (!error.startsWith("OutOfMemoryError: ")) throw new Error(`beyond the maximum: ${error}`);
  });

  test("errors", () => {
    const error = thrown(() => new RMSprop({ useEma: true, emaMomentum: 2 }));
    equal(error, "RangeError: Argument `emaMomentum` must be in the range [0, 1]; received 2.", "the error");
    const type = thrown(() => new RMSprop({ momentum: /** @type {never} */ ("1") }));
    equal(type, 'TypeError: Argument `momentum` must be a finite number; received "1".', "the error");
    const state = thrown(() => new RMSprop({ name: "adam" }).step());
    equal(state, 'StateError: Optimizer "adam" is not built: call build(variables) first.', "the error");
    if (!(new RangeError() instanceof Error)) throw new Error("this realm's errors are strange");
  });

  test("free", () => {
    const runtime = createRuntime();
    const witness = new Variable([1], { runtime });
    const cycle = () => {
      const variable = new Variable(new Float32Array(10000), { name: "w", runtime });
      const optimizer = new RMSprop({ name: "o", momentum: 0.9 });
      optimizer.build([variable]);
      optimizer.step();
      optimizer.free();
      optimizer.free();
      equal(
        thrown(() => optimizer.step()),
        'StateError: Optimizer "o" was freed.',
        "a step after free",
      );
      variable.free();
      equal(
        thrown(() => variable.value),
        'StateError: Variable "w" was freed.',
        "a value after free",
      );
    };
    // The first optimizer allocates the table of optimizers among its arrays, and the table stays. So the second cycle can need
    // other memory; later ones do not.
    for (let i = 0; i < 3; i++) cycle();
    const before = witness.value.buffer.byteLength;
    for (let i = 0; i < 100; i++) cycle();
    equal(witness.value.buffer.byteLength, before, "the memory after 100 more");
    witness.free();
  });

  test(`${optimizers} optimizers at once`, () => {
    const pairs = Array.from({ length: optimizers }, (_, i) => {
      const variable = new Variable([i, -i, 1]);
      const optimizer = new RMSprop({ learningRate: 0.1, momentum: 0.5 });
      optimizer.build([variable]);
      return { variable, optimizer };
    });
    for (const { variable, optimizer } of pairs) {
      variable.gradient.fill(1);
      optimizer.step();
    }
    const step = 1 - pairs[0].variable.value[2];
    pairs.forEach(({ variable, optimizer }, i) => {
      equal(variable.value[0], Math.fround(i - step), "a value");
      optimizer.free();
      variable.free();
    });
  });

  if (runtimes === 1) {
    test("no second runtime", () => {
      const error = thrown(() => rmsprop.createRuntime());
      if (!error.startsWith("StateError: ")) throw new Error(`a second runtime: ${error}`);
    });
  } else {
    test(`${runtimes} runtimes made and dropped`, () => {
      for (let i = 0; i < runtimes; i++) {
        const runtime = createRuntime();
        const variable = new Variable([10, 10, 10, 10, 10], { runtime });
        const optimizer = new RMSprop({ learningRate: 0.1 });
        optimizer.build([variable]);
        variable.gradient.fill(10);
        optimizer.step();
        equal(variable.value[4], Math.fround(9.683772), "the value");
      }
    });
  }

  let used;
  test("backend", () => {
    used = backend();
    if (used !== "wasm-simd128" && used !== "js") throw new Error(`backend() is ${used}`);
    if (runtimes > 1) equal(createRuntime()?.backend, used, "the backend of another runtime");
  });
  return { backend: used, crc: crc.value(), counts, results };
}
