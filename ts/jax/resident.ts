// The transformation as jax-js' own operations: it stays on the device, and `jit` can trace it.

import { type JsTree, type numpy as np, tree } from "@jax-js/jax";
import type { Hyperparameters } from "../generated/hyperparameters.js";
import type { LearningRate } from "../optimizers/learning-rate.js";
import { assertRateFinite } from "../optimizers/overrides.js";
import { keptSlots } from "../optimizers/slots.js";
import { checkedObject, finiteFloat32 } from "../support/checks.js";
import { message, NO_GRADIENTS, showReturned } from "../support/messages.js";
import { assertReferences, disposeAll, firstState, isArray, type Leaf, sameShape, slotLeaves } from "./arrays.js";
import type { LeafOverrides } from "./overrides.js";
import { tracedSchedule } from "./schedules.js";
import { tracedStep } from "./step.js";
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
      const step = tracedStep(x, by, { count, eta, gradients: leaves, values, slots, own });
      const counted = x.add(count, 1) as np.Array;

      // The results, each with a reference of its own.
      const flat = [counted, ...step.updates, ...kept.flatMap((slot) => step.slots.get(slot) as readonly Leaf[])];
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

/** A float32 array or a tracer of one. */
function float32(argument: string, leaf: unknown): np.Array {
  if (!isArray(leaf)) throw new TypeError(message(argument, "an array", leaf));
  if (leaf.dtype !== "float32") throw new TypeError(message(argument, "a float32 array", leaf.dtype));
  return leaf;
}
