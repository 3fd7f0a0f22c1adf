// The plots of the guide, from real runs of the package: docs/plots/*.svg.
//
//   npm run docs:plots
//
// Schedules are drawn by their own `at`. Beside each option of docs/options.md there is a run with it and one without.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as rmsprop from "rmsprop-wasm";
import { linePlot } from "./line-plot.mjs";
import { root } from "./tools.mjs";

const { LossScaleOptimizer, RMSprop, Variable } = rmsprop;

/** @import { Drawing, Line } from "./line-plot.mjs" */
/** @typedef {Line["points"]} Points */

// --- schedules ------------------------------------------------------------------------------------------------------------

const STEPS = 1000;

/**
 * @param {string} title
 * @param {Readonly<Record<string, { at(step: number): number }>>} schedules
 * @returns {Drawing}
 */
const rates = (title, schedules) => ({
  title,
  x: "step",
  y: "learning rate",
  lines: Object.entries(schedules).map(([name, schedule]) => ({
    name,
    points: Array.from({ length: STEPS / 4 + 1 }, (_, i) => [4 * i, schedule.at(4 * i)]),
  })),
});

function schedules() {
  const initialLearningRate = 0.01;
  const exponential = { initialLearningRate, decaySteps: 200, decayRate: 0.5 };
  const inverse = { initialLearningRate, decaySteps: 200, decayRate: 1 };
  const polynomial = { initialLearningRate, decaySteps: 500, endLearningRate: 0.001 };
  const restarts = { initialLearningRate, firstDecaySteps: 140 };
  return {
    "exponential-decay": rates("ExponentialDecay halves the rate every 200 steps, smoothly or as a staircase.", {
      "decayRate 0.5": new rmsprop.ExponentialDecay(exponential),
      "staircase: true": new rmsprop.ExponentialDecay({ ...exponential, staircase: true }),
    }),
    "inverse-time-decay": rates("InverseTimeDecay falls to a half, a third, a quarter, … every 200 steps.", {
      "decayRate 1": new rmsprop.InverseTimeDecay(inverse),
      "staircase: true": new rmsprop.InverseTimeDecay({ ...inverse, staircase: true }),
    }),
    "piecewise-constant-decay": rates("PiecewiseConstantDecay has three rates, which change after steps 300 and 700.", {
      "boundaries [300, 700]": new rmsprop.PiecewiseConstantDecay({
        boundaries: [300, 700],
        values: [0.01, 0.005, 0.001],
      }),
    }),
    "polynomial-decay": rates(
      "PolynomialDecay falls to its end in 500 steps, as a line or a parabola; a cycle begins anew.",
      {
        "power 1": new rmsprop.PolynomialDecay(polynomial),
        "power 2": new rmsprop.PolynomialDecay({ ...polynomial, power: 2 }),
        cycle: new rmsprop.PolynomialDecay({ ...polynomial, cycle: true }),
      },
    ),
    "cosine-decay": rates("CosineDecay falls as half a cosine to 0, or after a linear warm-up of 200 steps.", {
      "decaySteps 1000": new rmsprop.CosineDecay({ initialLearningRate, decaySteps: STEPS }),
      "warmupSteps 200": new rmsprop.CosineDecay({
        ...{ initialLearningRate: 0, warmupTarget: initialLearningRate, warmupSteps: 200 },
        decaySteps: STEPS - 200,
      }),
    }),
    "cosine-decay-restarts": rates(
      "CosineDecayRestarts falls in 140 steps, restarts, and takes twice as long each time.",
      {
        "mMul 1": new rmsprop.CosineDecayRestarts(restarts),
        "mMul 0.5": new rmsprop.CosineDecayRestarts({ ...restarts, mMul: 0.5 }),
      },
    ),
  };
}

// --- runs with an option and without ----------------------------------------------------------------------------------------

/** Mulberry32 (Tommy Ettinger, public domain), and sums of twelve: nearly normal, and the same in every engine. */
function normals(/** @type {number} */ seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, uniform).reduce((sum, number) => sum + number, -6);
}

const squares = (/** @type {ArrayLike<number>} */ numbers) => Array.from(numbers).reduce((sum, x) => sum + x * x, 0);

/**
 * The loss |w|²/2, or what else `read` says, over the steps of a run.
 *
 * @param {object} run
 * @param {ArrayLike<number>} run.start
 * @param {(w: rmsprop.Variable) => { optimizer: rmsprop.RMSprop | rmsprop.LossScaleOptimizer, free?: () => void }} run.build
 * @param {number} run.steps
 * @param {(w: Float32Array, step: number) => number[]} run.gradient
 * @param {number} [run.every]
 * @param {(w: Float32Array) => number} [run.read]
 * @returns {Points}
 */
function walk({ start, build, steps, gradient, every = 1, read = (w) => squares(w) / 2 }) {
  const w = new Variable(start, { name: "w" });
  const { optimizer, free } = build(w);
  optimizer.build([w]);
  /** @type {[number, number][]} */
  const points = [[0, read(w.value)]];
  for (let step = 1; step <= steps; step++) {
    w.gradient.set(gradient(w.value, step));
    optimizer.step();
    if (step % every === 0) points.push([step, read(w.value)]);
  }
  optimizer.free();
  free?.();
  w.free();
  return points;
}

/** From (3, 3) to (0, 0); the gradient of step 20 is 1,000 times as long as it should be. */
function clipping() {
  const points = (/** @type {rmsprop.RMSpropOptions} */ options) =>
    walk({
      start: [3, 3],
      build: () => ({ optimizer: new RMSprop({ learningRate: 0.05, ...options }) }),
      steps: 100,
      gradient: (w, step) => Array.from(w, (x) => (step === 20 ? 1000 * x : x)),
      read: (w) => Math.sqrt(squares(w)),
    });
  return {
    title:
      "One gradient is 1,000 times as long as the others. Clipped, the run goes on; without, it hardly moves for 80 steps.",
    x: "step",
    y: "distance to the minimum",
    lines: [
      { name: "globalClipnorm: 1", points: points({ globalClipnorm: 1 }) },
      { name: "without", points: points({}) },
    ],
  };
}

/** 40 weights fitted to 40 noisy examples, of which only three weights matter. Loss on 500 others. */
function weightDecay() {
  const [FEATURES, EXAMPLES] = [40, 40];
  const next = normals(3);
  const examples = (/** @type {number} */ count) =>
    Array.from({ length: count }, () => {
      const x = Float32Array.from({ length: FEATURES }, next);
      return { x, y: 2 * x[0] - 2 * x[1] + x[2] + next() };
    });
  const [training, others] = [examples(EXAMPLES), examples(500)];
  const errorOf = (/** @type {Float32Array} */ w, /** @type {{ x: Float32Array, y: number }} */ { x, y }) =>
    x.reduce((sum, value, i) => sum + value * w[i], -y);
  const points = (/** @type {number | null} */ decay) =>
    walk({
      start: new Float32Array(FEATURES),
      build: () => ({ optimizer: new RMSprop({ learningRate: 0.01, weightDecay: decay }) }),
      steps: 800,
      every: 10,
      gradient: (w) => {
        const gradient = Array.from(w, () => 0);
        for (const example of training) {
          const error = errorOf(w, example) / EXAMPLES;
          for (let i = 0; i < FEATURES; i++) gradient[i] += error * example.x[i];
        }
        return gradient;
      },
      read: (w) => others.reduce((sum, example) => sum + errorOf(w, example) ** 2, 0) / others.length / 2,
    });
  return {
    title: "Without decay the loss on examples that were not trained on rises again; with it, it goes on falling.",
    x: "step",
    y: "loss on other examples",
    lines: [
      { name: "weightDecay: 0.3", points: points(0.3) },
      { name: "without", points: points(null) },
    ],
  };
}

/** The gradient with noise of this standard deviation; the weights are 1 at the start. */
const noisy = (/** @type {number} */ deviation) => {
  const next = normals(5);
  return (/** @type {Float32Array} */ w) => Array.from(w, (x) => x + deviation * next());
};

function movingAverage() {
  const options = { learningRate: 0.05, useEma: true, emaMomentum: 0.97 };
  const optimizer = new RMSprop(options);
  const w = new Variable(new Float32Array(20).fill(1), { name: "w" });
  optimizer.build([w]);
  const gradient = noisy(1);
  /** @type {[number, number][][]} */
  const [values, averages] = [[], []];
  for (let step = 1; step <= 300; step++) {
    w.gradient.set(gradient(w.value));
    optimizer.step();
    if (step % 2 > 0) continue;
    values.push([step, squares(w.value) / 2]);
    averages.push([step, squares(/** @type {Float32Array} */ (optimizer.slot("average", w))) / 2]);
  }
  optimizer.free();
  w.free();
  return {
    title: "With noisy gradients the values shake around the minimum. Their averages come later, and get closer.",
    x: "step",
    y: "loss",
    logarithmic: true,
    lines: [
      { name: "of the averages", points: averages },
      { name: "of the values", points: values },
    ],
  };
}

function accumulation() {
  const points = (/** @type {number | null} */ gradientAccumulationSteps) =>
    walk({
      start: new Float32Array(20).fill(1),
      build: () => ({ optimizer: new RMSprop({ learningRate: 0.02, gradientAccumulationSteps }) }),
      steps: 2000,
      every: 8,
      gradient: noisy(2),
    });
  return {
    title: "The mean of 8 noisy gradients moves the weights less often, and in the end brings them closer.",
    x: "call",
    y: "loss",
    logarithmic: true,
    lines: [
      { name: "8 calls an update", points: points(8) },
      { name: "each call", points: points(null) },
    ],
  };
}

/** The nearest float16, as long as it is finite: 11 bits, down to 2⁻²⁴. */
function toFloat16(/** @type {number} */ x) {
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(x) || 1))) - 10);
  return Math.round(x / unit) * unit;
}

/** Gradients of 1e-7 and less: in float16 they are rounded to multiples of 6e-8. */
function lossScale() {
  const next = normals(9);
  const start = Float32Array.from({ length: 100 }, next);
  const points = (/** @type {boolean} */ isScaled) => {
    let scale = () => 1;
    return walk({
      start,
      build: () => {
        const learningRate = new rmsprop.CosineDecay({ initialLearningRate: 0.02, decaySteps: 400 });
        const inner = new RMSprop({ learningRate, epsilon: 1e-16 });
        if (!isScaled) return { optimizer: inner };
        const optimizer = new LossScaleOptimizer(inner);
        scale = () => optimizer.dynamicScale;
        return { optimizer, free: () => inner.free() };
      },
      steps: 400,
      every: 4,
      gradient: (w) => Array.from(w, (x) => toFloat16(1e-7 * x * scale())),
      read: (w) => squares(w) / 2 / 100,
    });
  };
  return {
    title: "Gradients of 1e-7 in float16: unscaled, the smaller ones are 0, and the run stops early.",
    x: "step",
    y: "loss",
    logarithmic: true,
    lines: [
      { name: "loss scale 2¹⁵", points: points(true) },
      { name: "without", points: points(false) },
    ],
  };
}

/** All plots, by the names of their files. @returns {Record<string, string>} */
export function plots() {
  const drawings = {
    ...schedules(),
    clipping: clipping(),
    "weight-decay": weightDecay(),
    "moving-average": movingAverage(),
    accumulation: accumulation(),
    "loss-scale": lossScale(),
  };
  return Object.fromEntries(
    Object.entries(drawings).map(([name, drawing]) => [`docs/plots/${name}.svg`, linePlot(drawing)]),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(join(root, "docs", "plots"), { recursive: true });
  for (const [file, svg] of Object.entries(plots())) writeFileSync(join(root, file), svg);
}
