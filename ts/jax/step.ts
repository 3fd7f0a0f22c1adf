// One step on all leaves in jax-js' operations.

import type { numpy as np } from "@jax-js/jax";
import type { Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";
import type { ResolvedOverrides } from "../optimizers/overrides.js";
import { type Coefficients, callsPerUpdate, coefficients } from "../rule/coefficients.js";
import { decayOf, type Form, formOf } from "../rule/form.js";
import { average, descent, penalized, prepared, type State, updatedState, value } from "../rule/rmsprop.js";
import type { Leaf } from "./arrays.js";
import type { Operand, Traced } from "./traced.js";

/** What a step is given, leaf by leaf. */
export interface Call {
  /** Calls so far. */
  readonly count: np.Array;
  readonly eta: Operand;
  readonly gradients: readonly Leaf[];
  /** The parameters, if the step needs them. */
  readonly values: readonly Leaf[] | undefined;
  readonly slots: ReadonlyMap<Slot, readonly Leaf[]>;
  /** The options of the leaves; `undefined` if there are no overrides. */
  readonly own: readonly ResolvedOverrides[] | undefined;
}

/** What a step gives, leaf by leaf. */
export interface Step {
  /** What is to be added to the parameters. */
  readonly updates: readonly Leaf[];
  readonly slots: ReadonlyMap<Slot, readonly Leaf[]>;
}

export function tracedStep(x: Traced, by: Hyperparameters, call: Call): Step {
  const { count, eta, gradients, values, slots, own } = call;
  const calls = callsPerUpdate(by);
  const form = formOf(by);
  const c = { ...coefficients(by, 1), eta };
  /** Whether this call updates; always, without accumulation. */
  const isUpdate = calls > 1 ? x.equal(x.remainder(x.add(count, 1) as np.Array, calls), 0) : undefined;
  const pick = (made: Operand, otherwise: Operand): Operand => (isUpdate ? x.where(isUpdate, made, otherwise) : made);
  const isFrozen = (i: number) => own?.[i]?.trainable === false;

  const next = new Map<Slot, Leaf[]>([...slots].map(([slot, leaves]) => [slot, [...leaves]]));
  const put = (slot: Slot, i: number, made: Operand) => {
    (next.get(slot) as Leaf[])[i] = made as np.Array;
  };
  const old = (slot: Slot, i: number) => slots.get(slot)?.[i] as np.Array;
  const zeros = (i: number) => x.zeros(old("velocity", i));

  const given = gradients.flatMap((leaf, i) => (leaf == null || isFrozen(i) ? [] : [{ i, g: leaf as Operand }]));
  const scale = by.lossScaleFactor === null ? undefined : Math.fround(by.lossScaleFactor);
  const sums = given.map(({ i, g }) => {
    if (calls === 1) return g;
    return x.add(scale === undefined ? g : x.div(g, scale), old("gradient_accumulator", i));
  });
  const clippedGradients = clipped(x, by, form, c, sums);

  const updates: Leaf[] = gradients.map((leaf, i) => {
    return (leaf == null || isFrozen(i)) && old("velocity", i) ? zeros(i) : null;
  });
  given.forEach(({ i }, k) => {
    const { learningRateMultiplier = 1, weightDecay = null } = own?.[i] ?? {};
    const { terms, lambda } = decayOf(by, weightDecay);
    const ownC = { ...c, eta: learningRateMultiplier === 1 ? eta : scaledRate(x, eta, learningRateMultiplier), lambda };
    const ownForm = { ...form, ...terms };
    const w = values?.[i] as Operand;
    const g = penalized<Operand>(x, ownForm, ownC, clippedGradients[k] as Operand, w);
    const before: State<Operand> = Object.fromEntries([...slots.keys()].map((slot) => [slot, old(slot, i)]));
    const state = updatedState(x, ownForm, ownC, g, before);
    for (const [slot, made] of Object.entries(state) as [Slot, Operand][]) put(slot, i, pick(made, old(slot, i)));
    const update = terms.decays
      ? x.sub(value<Operand>(x, ownForm, ownC, g, w, state), w)
      : x.mul(descent<Operand>(x, ownForm, ownC, g, state), -1);
    updates[i] = (isUpdate ? pick(update, zeros(i)) : update) as np.Array;
  });

  if (calls > 1) {
    const sumOf = new Map(given.map(({ i }, k) => [i, sums[k] as Operand]));
    gradients.forEach((_, i) => {
      // Also of leaves without a gradient, as Keras does.
      const sum = sumOf.get(i) ?? old("gradient_accumulator", i);
      if (sum) put("gradient_accumulator", i, pick(zeros(i), sum));
    });
  }

  if (by.useEma) {
    const { weights, overwrites } = averaging(x, by, c, count, calls);
    updates.forEach((update, i) => {
      const w = values?.[i];
      if (!w || !update) return;
      const next = average<Operand>(x, weights, old("average", i), x.add(w, update));
      put("average", i, next);
      if (overwrites && !isFrozen(i)) updates[i] = x.where(overwrites, x.sub(next, w), update) as np.Array;
    });
  }
  return { updates, slots: next };
}

/** Gradients as the rule takes them, divided and clipped. */
function clipped(
  x: Traced,
  by: Hyperparameters,
  form: Form,
  c: Coefficients<Operand>,
  sums: readonly Operand[],
): Operand[] {
  const divided = sums.map((g) => prepared<Operand>(x, { ...form, clips: "no" }, c, g));
  const clip = { ...form, divides: false };
  const square = (g: Operand) => x.sum(x.mul(g, g));
  if (form.clips === "norm") {
    return divided.map((g) => prepared<Operand>(x, clip, c, g, x.maximum(x.sqrt(square(g)), c.threshold)));
  }
  if (form.clips !== "globalNorm" || divided.length === 0) return divided.map((g) => prepared<Operand>(x, clip, c, g));
  const n = x.sqrt(divided.map(square).reduce((a, b) => x.add(a, b)));
  const least = x.minimum(x.div(1, n), Math.fround(1 / (by.globalClipnorm as number)));
  const factor = x.add(x.mul(least, c.threshold), x.sub(n, n));
  return divided.map((g) => prepared<Operand>(x, clip, c, g, factor));
}

/** The scalars of the moving averages in this call, and whether they overwrite the parameters; `undefined` if they never do. */
function averaging(x: Traced, by: Hyperparameters, c: Coefficients<Operand>, count: np.Array, calls: number) {
  const iteration = x.floor(x.div(x.float(count), calls));
  const emaMomentum = x.where(x.equal(iteration, 0), 0, c.emaMomentum);
  const weights = { ...c, emaMomentum, oneMinusEmaMomentum: x.sub(1, emaMomentum) };
  const frequency = by.emaOverwriteFrequency;
  const nth = x.add(iteration, 1);
  const overwrites = frequency ? x.equal(x.sub(nth, x.mul(x.floor(x.div(nth, frequency)), frequency)), 0) : undefined;
  return { weights, overwrites };
}

/** float32(η · multiplier); of a traced rate, the product of two float32 numbers. */
const scaledRate = (x: Traced, eta: Operand, multiplier: number): Operand =>
  typeof eta === "number" ? Math.fround(eta * multiplier) : x.mul(eta, Math.fround(multiplier));
