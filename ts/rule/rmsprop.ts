// crate/src/rule once more, for processors that the crate does not reach: written once, over any arithmetic. Same operations, same
// order; the tests of the adapters compare the bits.

import type { Arithmetic } from "./arithmetic.js";
import type { Coefficients } from "./coefficients.js";
import type { Form } from "./form.js";

/** A parameter, its gradient and its state; what the form does not use is not there. */
export interface Arrays<T> {
  /** w */
  readonly value: T;
  /** g */
  readonly gradient: T;
  /** v */
  readonly velocity: T;
  /** a */
  readonly averageGradient?: T | undefined;
  /** m */
  readonly momentum?: T | undefined;
  readonly average?: T | undefined;
  /** What clipping by a norm divides by (`norm`) or multiplies with (`globalNorm`): one number. */
  readonly norm?: T | undefined;
}

/** What a step writes. */
export type Updated<T> = Omit<Arrays<T>, "gradient" | "norm">;

/** The gradient as the rule takes it: divided and clipped. */
export function prepared<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, gradient: T, norm?: T): T {
  const g = form.divides ? x.div(gradient, c.divisor) : gradient;
  if (form.clips === "value") return x.clamp(g, c.threshold);
  if (norm === undefined || form.clips === "no") return g;
  return form.clips === "norm" ? x.div(x.mul(g, c.threshold), norm) : x.mul(g, norm);
}

/** g + w·λ, with coupled weight decay. */
export function penalized<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, w: T): T {
  return form.penalizes ? x.add(g, x.mul(w, c.lambda)) : g;
}

/** v ← ρ·v + (1-ρ)·g² */
export function velocity<T>(x: Arithmetic<T>, c: Coefficients<T>, g: T, v: T): T {
  return x.add(x.mul(v, c.rho), x.mul(x.mul(g, g), c.oneMinusRho));
}

/** a ← ρ·a + (1-ρ)·g */
export function averageGradient<T>(x: Arithmetic<T>, c: Coefficients<T>, g: T, a: T): T {
  return x.add(x.mul(a, c.rho), x.mul(g, c.oneMinusRho));
}

/** Δ = η·g / √d with d = v + ε, or (v - a²) + ε, or ε where that is not above 0. */
export function increment<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, v: T, a: T | undefined): T {
  let d = a === undefined ? v : x.sub(v, x.mul(a, a));
  if (!form.epsilonOutside) d = x.add(d, c.epsilon);
  if (a !== undefined) d = x.positive(d, form.epsilonOutside ? c.zero : c.epsilon);
  const root = x.sqrt(d);
  return x.div(form.etaOutside ? g : x.mul(g, c.eta), form.epsilonOutside ? x.add(root, c.epsilon) : root);
}

/** m ← μ·m + Δ */
export function momentum<T>(x: Arithmetic<T>, c: Coefficients<T>, m: T, delta: T): T {
  return x.add(x.mul(m, c.mu), delta);
}

/** w ← (w - (w·λ)·η) - Δ; of the momentum buffer, if η is not in it, η·m. */
export function value<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, w: T, delta: T): T {
  const decayed = form.decays ? x.sub(w, x.mul(x.mul(w, c.lambda), c.eta)) : w;
  return x.sub(decayed, form.etaOutside ? x.mul(delta, c.eta) : delta);
}

/** M·average + (1-M)·w */
export function average<T>(x: Arithmetic<T>, c: Coefficients<T>, previous: T, w: T): T {
  return x.add(x.mul(previous, c.emaMomentum), x.mul(w, c.oneMinusEmaMomentum));
}

/** One step on one variable. */
export function step<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, old: Arrays<T>): Updated<T> {
  const g = penalized(x, form, c, prepared(x, form, c, old.gradient, old.norm), old.value);
  const v = velocity(x, c, g, old.velocity);
  const a = old.averageGradient === undefined ? undefined : averageGradient(x, c, g, old.averageGradient);
  const delta = increment(x, form, c, g, v, a);
  const m = old.momentum === undefined ? undefined : momentum(x, c, old.momentum, delta);
  const w = value(x, form, c, old.value, m ?? delta);
  const e = old.average === undefined ? undefined : average(x, c, old.average, w);
  return {
    value: form.overwrites && e !== undefined ? e : w,
    velocity: v,
    averageGradient: a,
    momentum: m,
    average: e,
  };
}
