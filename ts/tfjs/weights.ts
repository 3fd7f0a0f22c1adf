// What `getWeights` gives, read back: counters and rates by name, and the slots of each variable.

import { SLOTS, type Slot } from "../generated/codes.js";
import type { MomentumMode } from "../generated/hyperparameters.js";
import type { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import type { OptimizerVariable } from "../optimizers/optimizer-variable.js";
import type { RMSprop } from "../optimizers/rmsprop.js";
import { TENSORFLOW } from "../rule/slot-names.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import type { NamedTensorLike, VariableLike } from "./tensorflow.js";

/** The state that was saved for one variable. */
export interface Saved {
  /** The variable's name then. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly slots: ReadonlyMap<Slot, ArrayLike<number>>;
}

export interface SavedWeights {
  /** Counters and rates. */
  readonly scalars: ReadonlyMap<string, number>;
  readonly states: readonly Saved[];
  /** Whether they are of tfjs' own RMSProp, which has a counter and no rate. */
  readonly isTheirs: boolean;
}

/** tfjs' name for the counter that Keras calls `iteration`. */
export const COUNTER = "iter";

/**
 * The weights of this optimizer, or of tfjs' own RMSProp, for an optimizer that keeps the slots `kept`.
 *
 * @throws {CheckpointError} if one is missing, unknown, of another type, or twice there.
 */
export async function readWeights(weights: readonly NamedTensorLike[], kept: readonly Slot[]): Promise<SavedWeights> {
  const isTheirs = weights.some(({ name }) => name.endsWith(`/${TENSORFLOW.velocity}`));
  const scalars = new Map<string, number>();
  const states = new Map<string, { name: string; shape: readonly number[]; slots: Map<Slot, ArrayLike<number>> }>();
  const values = await Promise.all(weights.map(({ tensor }) => tensor.data()));
  weights.forEach(({ name, tensor }, i) => {
    const size = sizeOf(tensor.shape);
    if (values[i]?.length !== size) {
      throw new CheckpointError(`Weight ${show(name)} of shape [${tensor.shape}] has ${values[i]?.length} numbers.`);
    }
    const cut = name.lastIndexOf("/");
    const [owner, kind] = [name.slice(0, Math.max(cut, 0)), name.slice(cut + 1)];
    // tfjs' own RMSProp computes the same formula.
    const slot = SLOTS.find((slot) => (isTheirs ? TENSORFLOW[slot] : slot) === kind);
    if (cut < 0) {
      if (tensor.shape.length > 0) throw new CheckpointError(`Weight ${show(name)} must be a scalar.`);
      if (scalars.has(name)) throw new CheckpointError(`Weight ${show(name)} is there twice.`);
      scalars.set(name, values[i]?.[0] as number);
      return;
    }
    // tfjs' own keeps a momentum also where it is 0: then it is the last increment, which nothing depends on.
    if (isTheirs && slot === "momentum" && !kept.includes(slot)) return;
    if (slot === undefined || !kept.includes(slot)) {
      throw new CheckpointError(`Weight ${show(name)} is not known to the optimizer, which keeps ${kept.join(", ")}.`);
    }
    if (tensor.dtype !== "float32") {
      throw new CheckpointError(`Weight ${show(name)} must be float32; it is ${tensor.dtype}.`);
    }
    const state = states.get(owner) ?? { name: owner, shape: [...tensor.shape], slots: new Map() };
    if (state.slots.has(slot)) throw new CheckpointError(`Weight ${show(name)} is there twice.`);
    if (String(state.shape) !== String(tensor.shape)) {
      throw new CheckpointError(`The weights of ${show(owner)} differ in shape: [${state.shape}], [${tensor.shape}].`);
    }
    states.set(owner, state);
    state.slots.set(slot, values[i] ?? []);
  });
  if (!scalars.has(COUNTER)) throw new CheckpointError(`The weights have no "${COUNTER}".`);
  for (const { name, slots } of states.values()) {
    const missing = kept.find((slot) => !slots.has(slot));
    if (missing !== undefined) throw new CheckpointError(`The weights of ${show(name)} have no ${missing}.`);
  }
  return { scalars, states: [...states.values()], isTheirs };
}

/** What a counter or a rate is called among tfjs' weights. */
export const weightName = ({ name }: { readonly name: string }): string => (name === "iteration" ? COUNTER : name);

/** An optimizer's counters and rates by the names that they have among the weights. */
export function scalarsOf(core: RMSprop | LossScaleOptimizer): ReadonlyMap<string, OptimizerVariable> {
  const scalars = core.variables.filter(({ variable, ignored }) => variable === null && !ignored);
  return new Map(scalars.map((scalar) => [weightName(scalar), scalar]));
}

/**
 * Which of the states each of the variables in `met` continues.
 *
 * @throws {CheckpointError} if the weights are not those of an optimizer such as `core`, or a variable has no state.
 */
export function assertFit(
  { scalars, states, isTheirs }: SavedWeights,
  core: RMSprop | LossScaleOptimizer,
  momentumMode: MomentumMode,
  met: readonly VariableLike[],
): (Saved | undefined)[] {
  if (isTheirs && momentumMode === "torch" && states.some(({ slots }) => slots.has("momentum"))) {
    throw new CheckpointError(
      'The momentum of tfjs\' own RMSProp has the learning rate in it: make the optimizer with `momentumMode: "keras"`.',
    );
  }
  const known = scalarsOf(core);
  for (const [name, value] of scalars) {
    const scalar = known.get(name);
    if (!scalar) throw new CheckpointError(`Weight ${show(name)} is not known to the optimizer.`);
    try {
      scalar.check?.(`weights["${name}"]`, value);
    } catch (cause) {
      throw new CheckpointError(`The weights do not fit: ${cause}`, { cause });
    }
  }
  const missing = [...known.keys()].find((name) => !scalars.has(name));
  if (!isTheirs && missing !== undefined) throw new CheckpointError(`The weights have no "${missing}".`);
  const partners = pair(states, met, true);
  const without = met.filter((_, i) => partners[i] === undefined).map(({ name }) => show(name));
  if (without.length > 0) {
    throw new CheckpointError(`The weights have no state for ${without.join(", ")}, which the optimizer trains.`);
  }
  return partners;
}

/** A list of named tensors, or an error. */
export function checkedWeights(weights: unknown): readonly NamedTensorLike[] {
  const isNamed = (item: unknown) =>
    typeof item === "object" &&
    item !== null &&
    typeof (item as NamedTensorLike).name === "string" &&
    typeof (item as Partial<NamedTensorLike>).tensor?.data === "function";
  const list: readonly unknown[] = Array.isArray(weights) ? [...weights] : [undefined];
  if (!list.every(isNamed)) {
    throw new TypeError(`Argument \`weights\` must be an array of { name, tensor }; received ${show(weights)}.`);
  }
  return list as readonly NamedTensorLike[];
}

/**
 * A variable's name without what tfjs appends to make it unique: a model that is loaded while the first one is there has
 * `kernel_1` for `kernel`, and a variable without a name has a number.
 */
const baseName = (name: string) => name.replace(/^\d+$/, "").replace(/_\d+$/, "");

/**
 * Which of the states each variable continues, `undefined` for none. Names decide; those that differ only in what tfjs
 * appends are paired in order, and only if there are as many on both sides.
 *
 * @throws {CheckpointError} if that leaves a doubt, if shapes differ, or if `must` and no variable at all has a state.
 */
export function pair<S extends { readonly name: string; readonly shape: readonly number[] }>(
  states: readonly S[],
  variables: readonly { readonly name: string; readonly shape: readonly number[] }[],
  must: boolean,
): (S | undefined)[] {
  const found = new Map<object, S>();
  const saved = byBaseName(states);
  for (const [key, candidates] of byBaseName(variables)) {
    const group = saved.get(key) ?? [];
    const names = new Map(group.map((state) => [state.name, state]));
    const isExact = candidates.every(({ name }) => names.has(name));
    if (!isExact && group.length > 0 && group.length !== candidates.length) {
      throw new CheckpointError(
        `Which state belongs to which variable? There is state for ${named(group)}; variables are ${named(candidates)}.`,
      );
    }
    candidates.forEach((candidate, i) => {
      const state = isExact ? names.get(candidate.name) : group[i];
      if (state !== undefined) found.set(candidate, state);
    });
  }
  const pairs = variables.map((variable) => found.get(variable));
  pairs.forEach((state, i) => {
    const variable = variables[i];
    if (state === undefined || variable === undefined || String(state.shape) === String(variable.shape)) return;
    throw new CheckpointError(
      `The state of ${show(state.name)} has shape [${state.shape}]; variable ${show(variable.name)} has [${variable.shape}].`,
    );
  });
  if (must && states.length > 0 && variables.length > 0 && pairs.every((state) => state === undefined)) {
    throw new CheckpointError(`There is state for ${named(states)}; the variables are ${named(variables)}.`);
  }
  return pairs;
}

/** Those with the same base name, in their order. */
function byBaseName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(baseName(item.name));
    if (group) group.push(item);
    else groups.set(baseName(item.name), [item]);
  }
  return groups;
}

/** Names as they read in a message. */
const named = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => show(name)).join(", ");
