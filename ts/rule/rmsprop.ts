// crate/src/rule once more, for processors that the crate does not reach: written once, over any arithmetic. Same operations, same
// order; the tests of the adapters compare the bits.

import type { Slot } from "../generated/codes.js";
import type { Arithmetic } from "./arithmetic.js";
import type { Coefficients } from "./coefficients.js";
import type { Form } from "./form.js";

/** The state of a parameter, by the names of slots; what is not kept is not there. */
export type State<T> = Readonly<Partial<Record<Slot, T | undefined>>>;

/** What a step writes: w and the state. */
export interface Updated<T> extends State<T> {
  readonly value: T;
}

/** A parameter, its gradient and its state. */
export interface Arrays<T> extends Updated<T> {
  /** g */
  readonly gradient: T;
  /** What clipping by a norm divides by (`norm`) or multiplies with (`globalNorm`): one number. */
  readonly norm?: T | undefined;
}

/** What a slot, which is `old`, becomes with gradient g. `state` has the slots before it in the list, updated. */
type Formula = <T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, old: T, state: State<T>) => T;

/** The slots that the rule updates, in this order. */
export const STATE: readonly (readonly [Slot, Formula])[] = [
  // v ← ρ·v + (1-ρ)·g²
  ["velocity", (x, _, c, g, v) => x.add(x.mul(v, c.rho), x.mul(x.mul(g, g), c.oneMinusRho))],
  // a ← ρ·a + (1-ρ)·g
  ["average_gradient", (x, _, c, g, a) => x.add(x.mul(a, c.rho), x.mul(g, c.oneMinusRho))],
  // m ← μ·m + Δ
  ["momentum", (x, form, c, g, m, state) => x.add(x.mul(m, c.mu), increment(x, form, c, g, state))],
];

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

/** The state with gradient g, of what the rule updates. */
export function updatedState<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, old: State<T>): State<T> {
  const state: { -readonly [S in keyof State<T>]: State<T>[S] } = {};
  for (const [slot, formula] of STATE) {
    const own = old[slot];
    if (own !== undefined) state[slot] = formula(x, form, c, g, own, state);
  }
  return state;
}

/** Δ = η·g / √d with d = v + ε, or (v - a²) + ε, or ε where that is not above 0. */
function increment<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, state: State<T>): T {
  const { velocity: v, average_gradient: a } = state as State<T> & { readonly velocity: T };
  let d = a === undefined ? v : x.sub(v, x.mul(a, a));
  if (!form.epsilonOutside) d = x.add(d, c.epsilon);
  if (a !== undefined) d = x.positive(d, form.epsilonOutside ? c.zero : c.epsilon);
  const root = x.sqrt(d);
  return x.div(form.etaOutside ? g : x.mul(g, c.eta), form.epsilonOutside ? x.add(root, c.epsilon) : root);
}

/** What is subtracted from w: Δ, or m with momentum, or η·m if η is not in m. `state` is updated. */
export function descent<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, state: State<T>): T {
  const delta = state.momentum ?? increment(x, form, c, g, state);
  return form.etaOutside ? x.mul(delta, c.eta) : delta;
}

/** w ← (w - (w·λ)·η) - Δ, or what else is subtracted. `state` is updated. */
export function value<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, g: T, w: T, state: State<T>): T {
  const decayed = form.decays ? x.sub(w, x.mul(x.mul(w, c.lambda), c.eta)) : w;
  return x.sub(decayed, descent(x, form, c, g, state));
}

/** M·average + (1-M)·w */
export function average<T>(x: Arithmetic<T>, c: Coefficients<T>, previous: T, w: T): T {
  return x.add(x.mul(previous, c.emaMomentum), x.mul(w, c.oneMinusEmaMomentum));
}

/** One step on one variable. */
export function step<T>(x: Arithmetic<T>, form: Form, c: Coefficients<T>, old: Arrays<T>): Updated<T> {
  const g = penalized(x, form, c, prepared(x, form, c, old.gradient, old.norm), old.value);
  const state = updatedState(x, form, c, g, old);
  const w = value(x, form, c, g, old.value, state);
  if (old.average === undefined) return { ...state, value: w };
  const e = average(x, c, old.average, w);
  return { ...state, value: form.overwrites ? e : w, average: e };
}
