// Numbers and shapes at the edges, on a device.
import { difference, sizeOf } from "./cases.js";

/** @import { ResidentOptions, Rmsprop, Tf, Tfjs, Trial, Trials } from "./types.js" */

/**
 * `steps` steps with gradients that `gradient` makes, here and in the core: what differs.
 *
 * @param {Tf} tf
 * @param {Tfjs} tfjs
 * @param {Rmsprop} rmsprop
 * @param {object} problem
 * @param {ResidentOptions} problem.options
 * @param {number[]} problem.shape
 * @param {number} [problem.steps]
 * @param {(i: number) => number} [problem.values]
 * @param {(i: number, step: number) => number} problem.gradient
 * @param {(actual: number, right: number) => boolean} [problem.allow]
 */
async function compared(
  tf,
  tfjs,
  { RMSprop, Variable },
  { options, shape, steps = 5, values, gradient, allow = () => false },
) {
  const size = sizeOf(shape);
  const start = Float32Array.from({ length: size }, (_, i) => values?.(i) ?? ((i % 17) - 8) / 4);
  const variable = tf.tidy(() => tf.variable(tf.tensor(start, shape), true, `special_${Math.random()}`));
  const optimizer = tfjs.rmsprop(tf, { ...options, resident: options.resident ?? true });
  const { resident, ...others } = options;
  const twin = new Variable(start, { shape });
  const core = new RMSprop(others);
  for (let step = 0; step < steps; step++) {
    const given = Float32Array.from({ length: size }, (_, i) => gradient(i, step));
    const tensor = tf.tensor(given, shape);
    optimizer.applyGradients({ [variable.name]: tensor });
    tensor.dispose();
    core.apply([given], [twin]);
  }
  /** @type {string[]} */
  const complaints = [];
  /** @type {(what: string, actual: ArrayLike<number>, right: ArrayLike<number>) => void} */
  const compare = (what, actual, right) => {
    if (difference(actual, right).count === 0) return;
    const wrong = Array.from(right, (_, i) => i).filter(
      (i) => difference([actual[i]], [right[i]]).count > 0 && !allow(actual[i], right[i]),
    );
    if (wrong.length === 0) return;
    complaints.push(`${what}: ${wrong.length} differ, [${wrong[0]}] is ${actual[wrong[0]]}, not ${right[wrong[0]]}`);
  };
  compare("value", await variable.data(), twin.value);
  for (const { name, tensor } of await optimizer.getWeights()) {
    const slot = /** @type {import("rmsprop-wasm").Slot} */ (name.split("/").at(-1));
    if (name.includes("/")) compare(slot, await tensor.data(), core.slot(slot, twin) ?? []);
  }
  optimizer.dispose();
  variable.dispose();
  core.free();
  twin.free();
  return complaints;
}

/** @type {(i: number, step: number) => number} */
const normal = (i, step) => Math.fround(((i * 7 + step * 13) % 29) - 14) / 8;
const all = { momentum: 0.9, centered: true, weightDecay: 0.01, clipvalue: 1, useEma: true, lossScaleFactor: 2 };

const SHAPES = [
  [],
  [1],
  [5],
  [0],
  [2, 0, 3],
  [1, 1],
  [3, 1],
  [1, 7],
  [2, 3, 5],
  [2, 1, 3, 3],
  [2, 1, 2, 3, 2],
  [1, 2, 1, 3, 1, 2],
];
/** @type {(resident: true | "composed") => Trial} */
const shapes = (resident) => async (tf, tfjs, rmsprop) => {
  const complaints = [];
  for (const shape of SHAPES) {
    const found = await compared(tf, tfjs, rmsprop, { options: { ...all, resident }, shape, gradient: normal });
    complaints.push(...found.map((text) => `[${shape}] ${text}`));
  }
  return complaints;
};

/** @type {(i: number, step: number) => number} */
const spikes = (i, step) =>
  step < 2
    ? normal(i, step)
    : ([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN][i % 5] ?? normal(i, step));
/** @type {(actual: number, right: number) => boolean} */
const isFlushed = (actual, right) => actual === 0 && Math.abs(right) < 2 ** -126;

/** @type {Trials} */
export const special = {
  "shapes of every rank, and empty ones": shapes(true),
  "shapes, composed": shapes("composed"),
  "4.5 million elements: more workgroups than one dimension has": async (tf, tfjs, rmsprop, backend) =>
    backend !== "webgpu"
      ? []
      : compared(tf, tfjs, rmsprop, { options: { momentum: 0.9 }, shape: [3000, 1500], steps: 2, gradient: normal }),
  "gradients that are not finite": (tf, tfjs, rmsprop) =>
    compared(tf, tfjs, rmsprop, {
      options: { momentum: 0.9, centered: true, clipvalue: 2 },
      shape: [4, 9],
      gradient: spikes,
    }),
  "constant gradients under `centered`: no NaN where terms cancel": (tf, tfjs, rmsprop) =>
    compared(tf, tfjs, rmsprop, {
      options: { centered: true, rho: 0.5 },
      shape: [300],
      steps: 400,
      gradient: (i) => Math.fround(1 + ((i * 0.618) % 1)),
    }),
  "constant gradients, composed": (tf, tfjs, rmsprop) =>
    compared(tf, tfjs, rmsprop, {
      options: { centered: true, rho: 0.5, resident: "composed" },
      shape: [300],
      steps: 200,
      gradient: (i) => Math.fround(1 + ((i * 0.618) % 1)),
    }),
  "tiny gradients: state below 2^-126 may be flushed to 0, values are right": (tf, tfjs, rmsprop) =>
    compared(tf, tfjs, rmsprop, {
      options: { momentum: 0.9 },
      shape: [64],
      gradient: (i, step) => Math.fround(normal(i, step) * 1e-21),
      allow: isFlushed,
    }),
  "a device that has 16-bit textures only is refused": async (tf, tfjs, _, backend) => {
    if (backend !== "webgl") return [];
    const w = tf.tidy(() => tf.variable(tf.scalar(1)));
    const g = tf.scalar(1);
    const optimizer = tfjs.rmsprop(tf, { resident: true });
    tf.env().set("WEBGL_RENDER_FLOAT32_ENABLED", false);
    try {
      optimizer.applyGradients({ [w.name]: g });
      return ["it is not"];
    } catch (error) {
      return error instanceof RangeError && /leave `resident` out/.test(error.message) ? [] : [String(error)];
    } finally {
      tf.env().set("WEBGL_RENDER_FLOAT32_ENABLED", true);
      optimizer.dispose();
      tf.dispose([w, g]);
    }
  },
  "1,000 steps: tensors and bytes stay": async (tf, tfjs) => {
    const complaints = [];
    /** @type {ResidentOptions[]} */
    const sets = [
      { momentum: 0.9, centered: true, useEma: true, emaOverwriteFrequency: 3 },
      { globalClipnorm: 1, gradientAccumulationSteps: 2, useEma: true },
      { clipnorm: 1, resident: "composed" },
      { lossScale: { initialScale: 8 }, useEma: true },
    ];
    for (const options of sets) {
      const w = tf.tidy(() => tf.variable(tf.ones([9, 7]), true));
      const g = tf.ones([9, 7]);
      const optimizer = tfjs.rmsprop(tf, { resident: true, ...options });
      const held = [];
      for (let step = 0; step < 250; step++) {
        optimizer.applyGradients({ [w.name]: g });
        const { numTensors, numBytes, numDataBuffers } = tf.memory();
        // Every twelfth step, because overwritten values share the buffer of their average.
        if (step % 60 === 59) held.push([numTensors, numBytes, numDataBuffers].join(" "));
        // Lets the device keep up.
        if (step % 50 === 0) await w.data();
      }
      if (new Set(held).size !== 1) complaints.push(`${JSON.stringify(options)}: ${held.join(", ")}`);
      optimizer.dispose();
      tf.dispose([w, g]);
    }
    return complaints;
  },
};
