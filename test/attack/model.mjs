// Keras' RMSprop once more, one element after the other, in JavaScript's own numbers rounded to float32. It shares nothing with
// the package and is written from the description of Keras 3.15.1 (`base_optimizer.py`, `rmsprop.py`, `loss_scale_optimizer.py`)
// and, for the two modes, of PyTorch 2.15 (`optim/rmsprop.py`): slow, simple, and right when both agree.

const f = Math.fround;

/** `numpy.maximum`: of two zeros it takes the second, which `Math.max` does not. @param {number} x @param {number} y */
function maximum(x, y) {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x > y) return x;
  return y;
}

/** `numpy.minimum`, likewise. @param {number} x @param {number} y */
function minimum(x, y) {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x < y) return x;
  return y;
}

/** NumPy's `add.reduce` over a float32 array. @param {ArrayLike<number>} a @param {number} from @param {number} n @returns {number} */
export function pairwiseSum(a, from = 0, n = a.length) {
  const at = (/** @type {number} */ i) => /** @type {number} */ (a[from + i]);
  if (n < 8) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = f(sum + at(i));
    return sum;
  }
  if (n <= 128) {
    const r = Array.from({ length: 8 }, (_, j) => at(j));
    let i = 8;
    for (; i < n - (n % 8); i += 8) for (let j = 0; j < 8; j++) r[j] = f(/** @type {number} */ (r[j]) + at(i + j));
    const [a0, a1, a2, a3, a4, a5, a6, a7] =
      /** @type {[number, number, number, number, number, number, number, number]} */ (r);
    let sum = f(f(f(a0 + a1) + f(a2 + a3)) + f(f(a4 + a5) + f(a6 + a7)));
    for (; i < n; i++) sum = f(sum + at(i));
    return sum;
  }
  let half = Math.floor(n / 2);
  half -= half % 8;
  return f(pairwiseSum(a, from, half) + pairwiseSum(a, from + half, n - half));
}

/** @param {Float32Array} gradient */
const sumOfSquares = (gradient) => pairwiseSum(gradient.map((g) => f(g * g)));

/**
 * The options of the package, by its names; all of them are given.
 *
 * @typedef {{
 *   learningRate: number, rho: number, momentum: number, epsilon: number, centered: boolean, weightDecay: number | null,
 *   clipnorm: number | null, globalClipnorm: number | null, clipvalue: number | null, useEma: boolean, emaMomentum: number,
 *   emaOverwriteFrequency: number | null, lossScaleFactor: number | null, gradientAccumulationSteps: number | null,
 *   epsilonMode: "inside" | "outside", momentumMode: "keras" | "torch",
 *   weightDecayMode: "decoupled" | "coupled", maximize: boolean, initialVelocity: number,
 * }} Options
 * @typedef {"average" | "gradient_accumulator" | "velocity" | "momentum" | "average_gradient"} Slot
 * @typedef {{ scale: number, counter: number, growthSteps: number, minimum: number, maximum: number }} LossScale
 */

/** @type {readonly Slot[]} */
export const SLOTS = ["average", "gradient_accumulator", "velocity", "momentum", "average_gradient"];

/** A variable and all that is kept for it. */
class ModelVariable {
  /** @param {Float32Array} value @param {boolean} overwritten @param {boolean} decays @param {Options} options */
  constructor(value, overwritten, decays, options) {
    this.value = Float32Array.from(value);
    this.overwritten = overwritten;
    this.decays = decays;
    const kept = (/** @type {boolean} */ condition) => (condition ? new Float32Array(value.length) : null);
    /** @type {Record<Slot, Float32Array | null>} */
    this.slots = {
      average: kept(!overwritten && options.useEma),
      gradient_accumulator: kept((options.gradientAccumulationSteps ?? 0) >= 2),
      velocity: kept(!overwritten)?.fill(f(options.initialVelocity)) ?? null,
      momentum: kept(!overwritten && options.momentum > 0),
      average_gradient: kept(!overwritten && options.centered),
    };
  }
}

export class Model {
  /**
   * @param {Options} options
   * @param {readonly { value: Float32Array, overwritten: boolean, decays: boolean }[]} variables
   * @param {LossScale | null} lossScale
   */
  constructor(options, variables, lossScale) {
    this.options = { ...options };
    this.variables = variables.map(
      ({ value, overwritten, decays }) => new ModelVariable(value, overwritten, decays, options),
    );
    this.lossScale = lossScale && { ...lossScale };
    this.rawIterations = 0;
  }

  get steps() {
    return this.options.gradientAccumulationSteps || 1;
  }

  /**
   * One call, with gradients of the variables of these indices, in this order.
   *
   * @param {readonly number[]} order
   * @param {readonly Float32Array[]} gradients
   */
  apply(order, gradients) {
    const { lossScale } = this;
    if (!lossScale) {
      if (order.length > 0) this.#update(order, gradients, this.options.lossScaleFactor);
      return;
    }
    if (gradients.every((gradient) => gradient.every(Number.isFinite))) {
      if (order.length > 0) this.#update(order, gradients, lossScale.scale);
      if (lossScale.counter === lossScale.growthSteps - 1) {
        lossScale.counter = 0;
        lossScale.scale = f(minimum(f(lossScale.scale * 2), lossScale.maximum));
      } else lossScale.counter++;
    } else {
      lossScale.counter = 0;
      lossScale.scale = f(maximum(f(lossScale.scale * 0.5), lossScale.minimum));
    }
  }

  /** @param {readonly number[]} order @param {readonly Float32Array[]} given @param {number | null} divisor */
  #update(order, given, divisor) {
    const { options, steps } = this;
    const updates = (this.rawIterations + 1) % steps === 0;
    /** @type {{ variable: ModelVariable, gradient: Float32Array }[]} */
    const trained = [];
    order.forEach((index, i) => {
      const variable = /** @type {ModelVariable} */ (this.variables[index]);
      const gradient = /** @type {Float32Array} */ (given[i]);
      if (variable.overwritten) this.#overwrite(variable, gradient, updates);
      else trained.push({ variable, gradient: Float32Array.from(gradient) });
    });
    if (trained.length > 0) {
      for (const { variable, gradient } of trained) {
        const accumulator = variable.slots.gradient_accumulator;
        for (let i = 0; i < gradient.length; i++) {
          let g = /** @type {number} */ (gradient[i]);
          if (divisor !== null) g = f(g / f(divisor));
          if (steps > 1 && accumulator) {
            const sum = /** @type {number} */ (accumulator[i]);
            if (updates) g = f(f(g + sum) / steps);
            else accumulator[i] = f(sum + g);
          }
          gradient[i] = g;
        }
      }
      if (updates) {
        clip(
          options,
          trained.map(({ gradient }) => gradient),
        );
        for (const { variable, gradient } of trained) updateVariable(options, variable, gradient);
        if (steps > 1) for (const { slots } of this.variables) slots.gradient_accumulator?.fill(0);
      }
      if (options.useEma) this.#average();
    }
    this.rawIterations++;
  }

  /** @param {ModelVariable} variable @param {Float32Array} gradient @param {boolean} updates */
  #overwrite(variable, gradient, updates) {
    const accumulator = this.steps > 1 ? variable.slots.gradient_accumulator : null;
    gradient.forEach((g, i) => {
      if (!accumulator) {
        variable.value[i] = g;
        return;
      }
      const greatest = maximum(g, /** @type {number} */ (accumulator[i]));
      accumulator[i] = updates ? 0 : greatest;
      if (updates) variable.value[i] = greatest;
    });
  }

  #average() {
    const { emaMomentum, emaOverwriteFrequency } = this.options;
    const iterations = Math.floor(this.rawIterations / this.steps);
    const momentum = iterations === 0 ? 0 : f(emaMomentum);
    const overwrites = !!emaOverwriteFrequency && (iterations + 1) % emaOverwriteFrequency === 0;
    for (const { value, slots } of this.variables) {
      const { average } = slots;
      if (!average) continue;
      for (let i = 0; i < value.length; i++) {
        const [a, w] = [/** @type {number} */ (average[i]), /** @type {number} */ (value[i])];
        average[i] = f(f(momentum * a) + f(f(1 - momentum) * w));
        if (overwrites) value[i] = /** @type {number} */ (average[i]);
      }
    }
  }

  /** Sets the variables to their averages. */
  finalize() {
    for (const { value, slots } of this.variables) if (slots.average) value.set(slots.average);
  }
}

/** @param {Options} options @param {readonly Float32Array[]} gradients */
function clip({ clipnorm, globalClipnorm, clipvalue }, gradients) {
  if (clipnorm !== null && clipnorm > 0) {
    const threshold = f(clipnorm);
    for (const gradient of gradients) {
      const sum = sumOfSquares(gradient);
      const norm = sum > 0 ? f(Math.sqrt(sum)) : sum;
      const divisor = maximum(norm, threshold);
      for (const [i, g] of gradient.entries()) gradient[i] = f(f(g * threshold) / divisor);
    }
  } else if (globalClipnorm !== null && globalClipnorm > 0) {
    const norm = f(Math.sqrt(pairwiseSum(Float32Array.from(gradients, sumOfSquares))));
    let factor = f(f(globalClipnorm) * minimum(f(1 / norm), f(1 / globalClipnorm)));
    if (!Number.isFinite(norm)) factor = Number.NaN;
    for (const gradient of gradients) for (const [i, g] of gradient.entries()) gradient[i] = f(g * factor);
  } else if (clipvalue !== null && clipvalue > 0) {
    const limit = f(clipvalue);
    for (const gradient of gradients) {
      for (const [i, g] of gradient.entries()) gradient[i] = clipped(g, limit);
    }
  }
}

/** `numpy.clip`, which keeps a zero as it is. @param {number} g @param {number} limit */
function clipped(g, limit) {
  if (g < -limit) return -limit;
  if (g > limit) return limit;
  return g;
}

/** @param {Options} options @param {ModelVariable} variable @param {Float32Array} given */
function updateVariable(options, { value, decays, slots }, given) {
  const gradient = penalized(options, value, decays, given);
  const eta = f(options.learningRate);
  const [rho, oneMinusRho, epsilon, mu] = [f(options.rho), f(1 - options.rho), f(options.epsilon), f(options.momentum)];
  const { velocity, momentum, average_gradient: average } = slots;
  const v = /** @type {Float32Array} */ (velocity);
  for (const [i, g] of gradient.entries()) {
    let w = /** @type {number} */ (value[i]);
    if (options.weightDecay !== null && options.weightDecayMode === "decoupled" && decays)
      w = f(w - f(f(w * f(options.weightDecay)) * eta));
    v[i] = f(f(rho * /** @type {number} */ (v[i])) + f(oneMinusRho * f(g * g)));
    let variance = /** @type {number} */ (v[i]);
    if (options.centered && average) {
      average[i] = f(f(rho * /** @type {number} */ (average[i])) + f(oneMinusRho * g));
      const a = /** @type {number} */ (average[i]);
      variance = f(variance - f(a * a));
    }
    const denominator = denominatorOf(options, variance, epsilon);
    if (options.momentum > 0 && momentum) {
      const m = /** @type {number} */ (momentum[i]);
      if (options.momentumMode === "keras") {
        momentum[i] = f(f(mu * m) + f(f(eta * g) / denominator));
        w = f(w - /** @type {number} */ (momentum[i]));
      } else {
        momentum[i] = f(f(mu * m) + f(g / denominator));
        w = f(w - f(eta * /** @type {number} */ (momentum[i])));
      }
    } else w = f(w - f(f(eta * g) / denominator));
    value[i] = w;
  }
}

/**
 * The gradient with the penalty, negated first to maximize.
 *
 * @param {Options} options @param {Float32Array} value @param {boolean} decays @param {Float32Array} gradient
 */
function penalized({ weightDecay, weightDecayMode, maximize }, value, decays, gradient) {
  const g = maximize ? gradient.map((x) => -x) : gradient;
  const lambda = f(weightDecay ?? 0);
  // 0 is none, as in PyTorch; also what is 0 in float32.
  if (lambda === 0 || weightDecayMode === "decoupled" || !decays) return g;
  return g.map((x, i) => f(x + f(lambda * /** @type {number} */ (value[i]))));
}

/** @param {Options} options @param {number} variance @param {number} epsilon */
function denominatorOf({ centered, epsilonMode }, variance, epsilon) {
  if (epsilonMode === "inside") {
    const sum = f(variance + epsilon);
    // The package's own rule, where Keras makes NaN or infinity.
    return f(Math.sqrt(centered && sum <= 0 ? epsilon : sum));
  }
  // The package's own rule, where PyTorch makes NaN.
  return centered && variance < 0 ? epsilon : f(f(Math.sqrt(variance)) + epsilon);
}
