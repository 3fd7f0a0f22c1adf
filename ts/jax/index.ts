// The entry `rmsprop-wasm/jax`: RMSprop as a gradient transformation for jax-js, in the manner of optax.
import { type JsTree, type numpy as np, tree } from "@jax-js/jax";
import type { Slot } from "../generated/codes.js";
import { freeOnError } from "../memory/free-on-error.js";
import { Variable } from "../memory/variable.js";
import type { LastStep } from "../optimizers/last-step.js";
import { adapterOptions, type RMSpropOptions } from "../optimizers/options.js";
import type { ResolvedOverrides, VariableOverrides } from "../optimizers/overrides.js";
import { RMSprop } from "../optimizers/rmsprop.js";
import { keptSlots } from "../optimizers/slots.js";
import type { Schedule } from "../schedules/schedule.js";
import { checkedObject, integer, option } from "../support/checks.js";
import { DISPOSE } from "../support/disposable.js";
import { MAXIMUM_CALLS } from "../support/errors.js";
import { STATE } from "../support/internal.js";
import { message } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import {
  assertReferences,
  checkedArray,
  computed,
  counter,
  disposeAll,
  firstState,
  type Leaf,
  slotLeaves,
  stored,
  values,
} from "./arrays.js";
import { LeafOverrides, type LeafSelection } from "./overrides.js";
import { residentFunctions } from "./resident.js";

export type { LeafSelection, VariableOverrides };

const EMPTY = /* @__PURE__ */ new Float32Array(0);

/**
 * Options of `new RMSprop`, but for those that need the parameters: a transformation gives what is to be *added* to them,
 * and no sum has the bits of Keras' decayed or averaged values.
 */
export type RMSpropJaxOptions = RMSpropOptions & {
  /**
   * Not possible: chain `addDecayedWeights({ weightDecay: -learningRate * weightDecay })` of @jax-js/optax after this
   * transformation (note the minus sign; under a schedule a function of the step), and give `update` the parameters. For
   * `weightDecayMode: "coupled"`, chain `addDecayedWeights({ weightDecay })` before it.
   */
  readonly weightDecay?: null | undefined;
  /** Not possible: average the parameters where they are updated. */
  readonly useEma?: false | undefined;
};

/** Options of the form that stays on the device: all of `new RMSprop`. */
export type RMSpropResidentOptions = Omit<RMSpropOptions, "learningRate" | "measure"> & {
  /** The formula is made of jax-js' own operations, which `jit` can trace. */
  readonly resident: true;
  /**
   * A number, one of Keras' schedules, or a function that takes the count of calls so far, a float32 scalar that is its to use up, and
   * gives a scalar or a number. Default 0.001.
   */
  readonly learningRate?: number | Schedule | ((step: np.Array) => np.Array | number) | undefined;
};

/**
 * What @jax-js/optax calls a GradientTransformation, whose functions take over the arrays that they are given. The end of a
 * block with `using` calls `free`.
 *
 * ```ts
 * import { numpy as np } from "@jax-js/jax";
 * import { rmsprop } from "rmsprop-wasm/jax";
 *
 * const solver = rmsprop({ learningRate: 0.1 });
 * solver.override({ names: ["bias"] }, { learningRateMultiplier: 2 });
 * const state = solver.init({ bias: np.array([10]) });
 * const [updates, next] = solver.update({ bias: np.array([10]) }, state);
 * updates.bias.dataSync(); // [-0.6324555]
 * solver.lastStep?.outcome; // "updated"
 * solver.free();
 * ```
 */
export interface RMSpropTransformation extends Disposable {
  /**
   * The state for these parameters: zeros, `initialVelocity`, and a counter.
   *
   * @param params float32 arrays; `null` where there is none to train.
   */
  init<Params extends JsTree<np.Array | null>>(params: Params): JsTree<np.Array>;
  /**
   * What to add to the parameters, and the next state. A leaf that is `null` has no gradient: nothing is added to its parameter,
   * and its state stays. Where the parameters given to `init` have `null`, there is no state, and the update is `null`.
   *
   * @param updates the gradients, in the structure and shapes of the parameters.
   * @param state what `init` or the last `update` gave.
   * @param params the parameters, which `weightDecay` and `useEma` need.
   * @throws {TypeError | RangeError} for gradients that are not float32 arrays with values, or a state that does not
   * belong to them. Then nothing was taken over.
   */
  update<Params extends JsTree<np.Array | null>>(
    updates: Params,
    state: JsTree<np.Array>,
    params?: Params,
  ): [Params, JsTree<np.Array>];
  /**
   * Gives some parameters another learning rate, or freezes them: they are then taken as parameters whose gradient is `null`. In the
   * form that stays on the device, also another weight decay. Later calls win, option by option; `null` takes an option back. What
   * `jit` has compiled before stays as it was.
   *
   * @throws {RangeError} for a number as `weightDecay` without `resident`; and in `update` if a part of `which` matches no leaf,
   * unless `optional`.
   * @throws {TypeError | RangeError} if the arguments are not as documented.
   */
  override(which: LeafSelection, options: VariableOverrides): void;
  /**
   * What the last `update` did; `null` before the first, and always in the form that stays on the device, whose functions keep
   * nothing. Its `updateNorm` is that of the updates.
   */
  readonly lastStep: LastStep | null;
  /** Gives the workspace in WebAssembly's memory back; the next `update` makes another. */
  free(): void;
}

/** The state between two updates: a tree, as every optax state is. It is complete, so a run can go back to an older one. */
interface State {
  /** Calls so far. */
  readonly count: np.Array;
  /** For each kind of slot the slots of all parameters, in the structure of the parameters. */
  readonly slots: ReadonlyMap<Slot, readonly (np.Array | null)[]>;
}

/**
 * RMSprop as a gradient transformation: `applyUpdates(params, updates)` then gives the bits of `RMSprop`.
 *
 * ```ts
 * import { rmsprop } from "rmsprop-wasm/jax";
 *
 * const solver = rmsprop({ learningRate: 0.1, momentum: 0.9 }); // for `chain` of @jax-js/optax too
 * ```
 *
 * @param options those of `new RMSprop`, but for `weightDecay` and `useEma`.
 * @throws {TypeError | RangeError} for options that are not as documented, or that need the parameters.
 */
export function rmsprop(options?: RMSpropJaxOptions & { readonly resident?: false | undefined }): RMSpropTransformation;
/**
 * RMSprop as jax-js' own operations: it stays on the device, and `jit` compiles it, in a whole training step too. The parameters then
 * differ from those of `RMSprop` by at most 1e-6 · max(1, |w|), because jax-js computes with constants in float64. With `weightDecay` or
 * `useEma`, `update` needs the parameters.
 *
 * ```ts
 * import { rmsprop } from "rmsprop-wasm/jax";
 *
 * const solver = rmsprop({ learningRate: 0.1, weightDecay: 0.01, resident: true });
 * ```
 *
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop(options: RMSpropResidentOptions): RMSpropTransformation;
export function rmsprop(options: object = {}): RMSpropTransformation {
  const given = adapterOptions(options, ["resident"]);
  const { resident = false, ...plain } = given;
  if (typeof resident !== "boolean") throw new TypeError(message("resident", "true or false", resident));
  if (resident) {
    const optimizer = new RMSprop(plain as RMSpropOptions);
    if (Object.values(optimizer.measure).includes(true)) {
      const rule =
        "left out with `resident`, whose functions keep nothing: compute the norm beside `update`, or leave `resident` out";
      throw new RangeError(message("measure", rule, optimizer.measure));
    }
    const { hyperparameters, learningRate } = optimizer[STATE];
    const overrides = new LeafOverrides();
    const functions = residentFunctions(hyperparameters, learningRate, overrides);
    const override = (which: LeafSelection, own: VariableOverrides) => overrides.add(which, own);
    return { ...functions, lastStep: null, override, free() {}, [DISPOSE]() {} } as unknown as RMSpropTransformation;
  }
  const [weightDecay, useEma] = [option(given, "weightDecay"), option(given, "useEma")];
  if (typeof weightDecay === "number") {
    const cure =
      option(given, "weightDecayMode") === "coupled"
        ? "A transformation does not see the parameters: before this one, chain `addDecayedWeights({ weightDecay })`"
        : "Keras' decay changes the parameters, not the update: after this transformation, chain `addDecayedWeights({ weightDecay: -learningRate * weightDecay })` (note the minus sign)";
    throw new RangeError(`${message("weightDecay", "null", weightDecay)} ${cure}, and give \`update\` the parameters.`);
  }
  if (useEma === true) {
    throw new RangeError(message("useEma", "false: a transformation does not see the new parameters", useEma));
  }
  const optimizer = new RMSprop(plain as RMSpropOptions);
  const kept = keptSlots(optimizer);
  /** Where the step is done; nothing in it outlives a call. */
  let workspace: readonly Variable[] = [];
  const overrides = new LeafOverrides();

  const train = (variables: readonly Variable[]) => {
    // If there is no room, the workspace stays as it was.
    const end = optimizer[STATE].rebuild(variables);
    for (const variable of workspace) variable.free();
    workspace = variables;
    end(true);
  };

  const free = () => {
    optimizer[STATE].runtime?.assertUnlocked("free()");
    if (optimizer.built) train([]);
  };

  const prepare = (sizes: readonly number[]) => {
    optimizer[STATE].runtime?.assertUnlocked("update");
    if (workspace.length === sizes.length && workspace.every(({ size }, i) => size === sizes[i])) return;
    // Before the next one is made: there may be no room for two.
    free();
    freeOnError((made) => {
      train(sizes.map((size, i) => made(new Variable(new Float32Array(size), { name: `updates[${i}]` }))));
    });
  };

  return {
    init: (params) => firstState(params, kept, optimizer, checkedArray),

    update(updates, state, params) {
      const [leaves, structure] = tree.flatten<Leaf>(updates);
      const gradients = leaves.map((leaf, i) => (leaf == null ? null : checkedArray(`updates[${i}]`, leaf)));
      const { count, slots } = checkedState(state, kept, gradients, structure);
      // Of the parameters nothing is read; but if they are gone, that must be known before the others are taken over.
      for (const leaf of tree.flatten<Leaf>(params ?? [])[0]) leaf?.ref.dispose();
      const step = integer("state.count", count.ref.item(), 0, MAXIMUM_CALLS);
      assertReferences([updates, state, params ?? []]);
      const own = overrides.of(structure);
      // Leaves without state train nothing.
      const trained = leaves.flatMap((_, i) => (slots.get("velocity")?.[i] ? [i] : []));
      const like = (i: number) => slots.get("velocity")?.[i] as np.Array;
      prepare(trained.map((i) => sizeOf(like(i).shape)));
      if (own) {
        const given = workspace.map((variable, k) => {
          const { learningRateMultiplier } = own[trained[k] as number] as ResolvedOverrides;
          const selection = { variables: new Set([variable]), patterns: [] };
          return { selection, optional: false, given: { learningRateMultiplier } };
        });
        optimizer[STATE].replaceOverrides(given);
      }
      optimizer.variables[0]?.assign([step]);
      for (const [k, variable] of workspace.entries()) {
        for (const slot of kept) optimizer.slot(slot, variable)?.set(values(slots.get(slot)?.[trained[k] as number]));
        // From -0 the step makes exactly -increment, zeros of both signs included: added to a parameter of -0, they leave what
        // Keras leaves.
        variable.value.fill(-0);
      }
      const given = trained.map((i) => (own?.[i]?.trainable === false ? null : gradients[i]));
      // If all that have a gradient are frozen, there is nothing to do but to count.
      const isFrozen = given.every((gradient) => !gradient) && trained.some((i) => gradients[i]);
      if (trained.length > 0 && !isFrozen)
        optimizer.apply(given.map((gradient) => (gradient ? values(gradient) : null)));

      const all = (make: typeof stored, view: (variable: Variable) => Float32Array) => {
        const made = new Map(trained.map((i, k) => [i, make(view(workspace[k] as Variable), like(i))]));
        return tree.unflatten<Leaf>(
          structure,
          leaves.map((_, i) => made.get(i) ?? null),
        );
      };
      const next = kept.map((slot) => [slot, all(stored, (variable) => optimizer.slot(slot, variable) ?? EMPTY)]);
      const result = all(computed, ({ value }) => value);
      disposeAll([updates, state, params]);
      // `unflatten` gives the structure that `flatten` found.
      return [result as typeof updates, { count: counter(step + 1), ...Object.fromEntries(next) }];
    },

    override(which, own) {
      const { weightDecay } = checkedObject("options", own);
      if (typeof weightDecay === "number") {
        const rule =
          "false or null: Keras' decay changes the parameters, not the update; with `resident: true` it is possible";
        throw new RangeError(message("weightDecay", rule, weightDecay));
      }
      overrides.add(which, own);
    },

    get lastStep() {
      return optimizer.lastStep;
    },

    free,

    [DISPOSE]() {
      this.free();
    },
  };
}

/** The parts of a state, if it is one of parameters with the structure and shapes of `gradients`. */
function checkedState(
  state: unknown,
  kept: readonly Slot[],
  gradients: readonly (np.Array | null)[],
  structure: tree.JsTreeDef,
): State {
  const { count, ...others } = checkedObject("state", state, ["count", ...kept]);
  const slots = [...slotLeaves(others, kept, gradients, structure)].map(([slot, leaves]) => {
    const checked = leaves.map((leaf, i) => (leaf == null ? null : checkedArray(`state.${slot}[${i}]`, leaf)));
    return [slot, checked] as const;
  });
  if (typeof (count as Partial<np.Array> | undefined)?.item !== "function") {
    throw new TypeError(message("state.count", "the counter that `init` made", count));
  }
  return { count: count as np.Array, slots: new Map(slots) };
}
