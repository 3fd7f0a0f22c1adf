// The transformation as jax-js' own operations: it stays on the device, and `jit` can trace it.

import { type JsTree, type numpy as np, tree } from "@jax-js/jax";
import type { Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";
import type { LearningRate } from "../optimizers/learning-rate.js";
import { assertRateFinite } from "../optimizers/overrides.js";
import { keptSlots } from "../optimizers/slots.js";
import { callsPerUpdate, coefficients } from "../rule/coefficients.js";
import { decayOf, formOf } from "../rule/form.js";
import { average, descent, penalized, prepared, type State, updatedState, value } from "../rule/rmsprop.js";
import { checkedObject, finiteFloat32 } from "../support/checks.js";
import { message, NO_GRADIENTS, showReturned } from "../support/messages.js";
import { assertReferences, disposeAll, firstState, isArray, type Leaf, sameShape, slotLeaves } from "./arrays.js";
import type { LeafOverrides } from "./overrides.js";
import { tracedSchedule } from "./schedules.js";
import { type Operand, Traced } from "./traced.js";

/** The functions of a transformation. */
export interface Functions {
  init(params: JsTree<np.Array>): JsTree<np.Array>;
  update(
    updates: JsTree<np.Array>,
    state: JsTree<np.Array>,
    params?: JsTree<np.Array>,
  ): [JsTree<np.Array>, JsTree<np.Array>];
}

/** The learning rate as the step takes it: a number, or of the count so far. */
function rateOf(given: LearningRate): (x: Traced, count: np.Array) => Operand {
  if (typeof given === "number") return () => given;
  if (typeof given === "function") {
    const of = given as unknown as (count: np.Array) => unknown;
    return (x, count) => {
      const rate = of(x.float(count).ref);
      if (typeof rate === "number") return finiteFloat32("learningRate", rate);
      // What the function gives is ours now.
      if (isArray(rate) && x.own(rate).shape.length === 0) return rate;
      throw new TypeError(`The learning rate must be a number or a scalar array; received ${showReturned(rate)}.`);
    };
  }
  const schedule = tracedSchedule(given);
  return (x, count) => schedule(x, x.float(count));
}

export function residentFunctions(
  by: Hyperparameters,
  learningRate: LearningRate,
  overrides: LeafOverrides,
): Functions {
  const kept = keptSlots(by);
  const calls = callsPerUpdate(by);
  const scale = by.lossScaleFactor === null ? undefined : Math.fround(by.lossScaleFactor);
  const form = formOf(by);
  const rate = rateOf(learningRate);

  return {
    init: (params) => firstState(params as JsTree<Leaf>, kept, by, float32),

    update(updates, state, params) {
      const [leaves, structure] = tree.flatten<Leaf>(updates as JsTree<Leaf>);
      const { count, ...trees } = checkedObject("state", state, ["count", ...kept]);
      if (!isArray(count)) throw new TypeError(message("state.count", "the counter that `init` made", count));
      const slots = slotLeaves(trees, kept, leaves, structure);
      const [values, its] = params === undefined ? [] : tree.flatten<Leaf>(params as JsTree<Leaf>);
      if (!values && (by.weightDecay !== null || by.useEma || overrides.decays)) {
        const name = by.useEma ? "useEma" : "weightDecay";
        throw new TypeError(message("params", `the parameters, which \`${name}\` needs`, params));
      }
      if (
        values &&
        !(its?.equals(structure) && leaves.every((leaf, i) => leaf == null || sameShape(values[i], leaf)))
      ) {
        throw new RangeError(message("params", "of the structure and shapes of the updates", params));
      }
      leaves.forEach((leaf, i) => {
        if (leaf != null) float32(`updates[${i}]`, leaf);
      });

      assertReferences([updates, state, params ?? []]);

      const own = overrides.of(structure);
      const isFrozen = (i: number) => own?.[i]?.trainable === false;
      if (leaves.every((leaf) => leaf == null) && slots.get("velocity")?.some((leaf) => leaf != null)) {
        throw new RangeError(NO_GRADIENTS);
      }
      const x = new Traced();
      const eta = x.orNothing(() => {
        const eta = rate(x, count);
        own?.forEach((each, i) => {
          if (typeof eta === "number" && leaves[i] != null) assertRateFinite(`updates[${i}]`, eta, each);
        });
        return eta;
      });
      const numbers = coefficients(by, 1);
      const c = { ...numbers, eta };
      /** Whether this call updates; always, without accumulation. */
      const isUpdate = calls > 1 ? x.equal(x.remainder(x.add(count, 1) as np.Array, calls), 0) : undefined;
      const pick = (made: Operand, otherwise: Operand): Operand =>
        isUpdate ? x.where(isUpdate, made, otherwise) : made;

      /** The learning rate and the scalars of a leaf, and whether and how it decays. */
      const ownOf = (i: number) => {
        const { learningRateMultiplier = 1, weightDecay = null } = own?.[i] ?? {};
        const { terms, lambda } = decayOf(by, weightDecay);
        const ownEta = learningRateMultiplier === 1 ? eta : scaledRate(x, eta, learningRateMultiplier);
        const scalars = { ...c, eta: ownEta, lambda };
        return { c: scalars, form: { ...form, ...terms } };
      };

      const given = leaves.flatMap((leaf, i) => (leaf == null || isFrozen(i) ? [] : [{ i, g: leaf as Operand }]));
      const next = new Map<Slot, Leaf[]>(kept.map((slot) => [slot, [...(slots.get(slot) ?? [])]]));
      const put = (slot: Slot, i: number, made: Operand) => {
        (next.get(slot) as Leaf[])[i] = made as np.Array;
      };
      const old = (slot: Slot, i: number) => slots.get(slot)?.[i] as np.Array;
      const sums = given.map(({ i, g }) => {
        if (calls === 1) return g;
        return x.add(scale === undefined ? g : x.div(g, scale), old("gradient_accumulator", i));
      });
      const unclipped = { ...form, clips: "no" } as const;
      let gradients = sums.map((g) => prepared(x, unclipped, c, g));
      const square = (g: Operand) => x.sum(x.mul(g, g));
      const clip = { ...form, divides: false };
      if (form.clips === "norm") {
        gradients = gradients.map((g) => prepared(x, clip, c, g, x.maximum(x.sqrt(square(g)), c.threshold)));
      } else if (form.clips === "globalNorm" && gradients.length > 0) {
        const n = x.sqrt(gradients.map(square).reduce((a, b) => x.add(a, b)));
        const least = x.minimum(x.div(1, n), Math.fround(1 / (by.globalClipnorm as number)));
        const factor = x.add(x.mul(least, c.threshold), x.sub(n, n));
        gradients = gradients.map((g) => prepared(x, clip, c, g, factor));
      } else gradients = gradients.map((g) => prepared(x, clip, c, g));

      const results: Leaf[] = leaves.map((leaf, i) => {
        const like = leaf == null || isFrozen(i) ? old("velocity", i) : undefined;
        return like ? x.zeros(like) : null;
      });
      given.forEach(({ i }, k) => {
        const { c, form } = ownOf(i);
        const w = values?.[i] as Operand;
        const g = penalized<Operand>(x, form, c, gradients[k] as Operand, w);
        const before: State<Operand> = Object.fromEntries(kept.map((slot) => [slot, old(slot, i)]));
        const state = updatedState(x, form, c, g, before);
        for (const [slot, made] of Object.entries(state) as [Slot, Operand][]) put(slot, i, pick(made, old(slot, i)));
        const update = form.decays
          ? x.sub(value<Operand>(x, form, c, g, w, state), w)
          : x.mul(descent<Operand>(x, form, c, g, state), -1);
        results[i] = (isUpdate ? pick(update, x.zeros(old("velocity", i))) : update) as np.Array;
        if (calls > 1) {
          const sum = sums[k] as Operand;
          put("gradient_accumulator", i, pick(x.zeros(old("velocity", i)), sum));
        }
      });
      const isGiven = new Set(given.map(({ i }) => i));
      leaves.forEach((_, i) => {
        if (calls === 1 || isGiven.has(i) || !old("velocity", i)) return;
        const sum = old("gradient_accumulator", i);
        put("gradient_accumulator", i, pick(x.zeros(old("velocity", i)), sum));
      });

      if (by.useEma) {
        const iteration = x.floor(x.div(x.float(count), calls));
        const isFirst = x.equal(iteration, 0);
        const emaMomentum = x.where(isFirst, 0, numbers.emaMomentum);
        const weights = { ...c, emaMomentum, oneMinusEmaMomentum: x.sub(1, emaMomentum) };
        const frequency = by.emaOverwriteFrequency;
        const nth = x.add(iteration, 1);
        const overwrites = frequency
          ? x.equal(x.sub(nth, x.mul(x.floor(x.div(nth, frequency)), frequency)), 0)
          : undefined;
        results.forEach((update, i) => {
          const w = values?.[i];
          if (!w || !update) return;
          const next = average<Operand>(x, weights, old("average", i), x.add(w, update));
          put("average", i, next);
          if (overwrites && !isFrozen(i)) results[i] = x.where(overwrites, x.sub(next, w), update) as np.Array;
        });
      }
      const counted = x.add(count, 1) as np.Array;

      // The results, each with a reference of its own.
      const flat = [counted, ...results, ...kept.flatMap((slot) => next.get(slot) as Leaf[])];
      const ended = x.end(flat.filter((leaf): leaf is np.Array => leaf != null))[Symbol.iterator]();
      const out = flat.map((leaf) => (leaf == null ? leaf : ended.next().value)) as Leaf[];
      disposeAll([updates, state, params]);
      const size = leaves.length;
      const unflatten = (from: number) => tree.unflatten<Leaf>(structure, out.slice(from, from + size));
      const made = kept.map((slot, k) => [slot, unflatten(1 + size * (k + 1))]);
      return [unflatten(1) as JsTree<np.Array>, { count: out[0] as np.Array, ...Object.fromEntries(made) }];
    },
  };
}

/** float32(η · multiplier); of a traced rate, the product of two float32 numbers. */
const scaledRate = (x: Traced, eta: Operand, multiplier: number): Operand =>
  typeof eta === "number" ? Math.fround(eta * multiplier) : x.mul(eta, Math.fround(multiplier));

/** A float32 array or a tracer of one. */
function float32(argument: string, leaf: unknown): np.Array {
  if (!isArray(leaf)) throw new TypeError(message(argument, "an array", leaf));
  if (leaf.dtype !== "float32") throw new TypeError(message(argument, "a float32 array", leaf.dtype));
  return leaf;
}
