// Keras' schedules as functions of a count that is traced: the formulas of crate/src/schedules in jax-js' float32.

import type { Schedule } from "../schedules/schedule.js";
import { serialize } from "../schedules/serialization.js";
import { message } from "../support/messages.js";
import type { Operand, Traced } from "./traced.js";

// biome-ignore lint/suspicious/noExplicitAny: Keras' configuration, which the schedule itself has made.
type Formula = (x: Traced, step: Operand, config: any) => Operand;

/** (1 + cos(π·part)) / 2, from 1 down to `alpha`. */
function cosine(x: Traced, part: Operand, alpha: number): Operand {
  const wave = x.mul(x.add(x.cos(x.mul(part, Math.PI)), 1), 0.5);
  return x.add(x.mul(wave, 1 - alpha), alpha);
}

/** The whole periods in `steps` if there are only whole ones, else the exact quotient. */
const periods = (x: Traced, step: Operand, steps: number, staircase: boolean): Operand => {
  const exact = x.div(step, steps);
  return staircase ? x.floor(exact) : exact;
};

/** Whole exponents as products: jax-js' `power` is exp(y·log x), with an error that grows with y. */
function raised(x: Traced, base: Operand, exponent: number): Operand {
  const whole = exponent >= 1 && exponent < 9 ? Math.floor(exponent) : 0;
  const rest = exponent - whole;
  const factors = rest === 0 ? [] : [rest === 0.5 ? x.sqrt(base) : x.power(base, rest)];
  return [...factors, ...Array.from({ length: whole }, () => base)].reduce((a, b) => x.mul(a, b));
}

const FORMULAS: Readonly<Record<string, Formula>> = {
  ExponentialDecay: (x, step, { initial_learning_rate, decay_steps, decay_rate, staircase }) =>
    x.mul(x.power(decay_rate, periods(x, step, decay_steps, staircase)), initial_learning_rate),

  InverseTimeDecay: (x, step, { initial_learning_rate, decay_steps, decay_rate, staircase }) =>
    x.div(initial_learning_rate, x.add(x.mul(periods(x, step, decay_steps, staircase), decay_rate), 1)),

  PiecewiseConstantDecay: (x, step, { boundaries, values }) =>
    (boundaries as number[]).reduceRight<Operand>(
      (later, boundary, i) => x.where(x.less(boundary, step), later, values[i]),
      values.at(-1),
    ),

  PolynomialDecay(x, step, { initial_learning_rate, decay_steps, end_learning_rate, power, cycle }) {
    // The first cycle also at step 0.
    const cycles = cycle ? x.maximum(x.mul(x.floor(x.div(step, -decay_steps)), -1), 1) : 1;
    const length = cycle ? x.mul(cycles, decay_steps) : decay_steps;
    const part = x.div(cycle ? step : x.minimum(step, decay_steps), length);
    const rest = power === 0 ? 1 : raised(x, x.sub(1, part), power);
    return x.add(x.mul(rest, initial_learning_rate - end_learning_rate), end_learning_rate);
  },

  CosineDecay(x, step, { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps }) {
    if (warmup_target === null) {
      return x.mul(cosine(x, x.div(x.minimum(step, decay_steps), decay_steps), alpha), initial_learning_rate);
    }
    const at = x.minimum(step, decay_steps + warmup_steps);
    const decayed = x.mul(cosine(x, x.div(x.sub(at, warmup_steps), decay_steps), alpha), warmup_target);
    if (!(warmup_steps > 0)) return decayed;
    const rise = x.mul(x.div(at, warmup_steps), warmup_target - initial_learning_rate);
    return x.where(x.less(at, warmup_steps), x.add(rise, initial_learning_rate), decayed);
  },

  CosineDecayRestarts(x, step, { initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha }) {
    let part = x.div(step, first_decay_steps);
    let restarts: Operand;
    if (t_mul === 1) {
      restarts = x.floor(part);
      part = x.sub(part, restarts);
    } else {
      // At a restart the quotient is whole, but for the rounding of float32.
      const exact = x.div(x.log(x.sub(1, x.mul(part, 1 - t_mul))), Math.log(t_mul));
      restarts = x.floor(x.add(exact, 1e-6));
      const longer = x.power(t_mul, restarts);
      part = x.div(x.sub(part, x.div(x.sub(1, longer), 1 - t_mul)), longer);
    }
    const wave = x.mul(x.mul(x.power(m_mul, restarts), x.add(x.cos(x.mul(part, Math.PI)), 1)), 0.5);
    return x.mul(x.add(x.mul(wave, 1 - alpha), alpha), initial_learning_rate);
  },
};

/**
 * The learning rate as a function of a traced count.
 *
 * @throws {RangeError} for a schedule that is not one of Keras'.
 */
export function tracedSchedule(schedule: Schedule): (x: Traced, step: Operand) => Operand {
  const { module, class_name, config } = serialize(schedule);
  const formula = module !== null && Object.hasOwn(FORMULAS, class_name) ? FORMULAS[class_name] : undefined;
  if (!formula) {
    const names = Object.keys(FORMULAS).join(", ");
    throw new RangeError(
      message("learningRate", `a number, a function of an array, or one of ${names}, with \`resident\``, schedule),
    );
  }
  return (x, step) => formula(x, step, config);
}
