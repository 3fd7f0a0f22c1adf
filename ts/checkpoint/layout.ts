// What the tensors and the metadata of a checkpoint are called.

import type { Tensor } from "../formats/safetensors.js";
import type { StoredOptimizer, StoredState, StoredVariable } from "../formats/stored-optimizer.js";
import { SLOTS } from "../generated/codes.js";
import { CheckpointError } from "../support/errors.js";
import { PEEK } from "../support/internal.js";
import { show } from "../support/messages.js";

/** An array of an optimizer, as a tensor of a file: `<path>` is a variable's value, `<path>/velocity` a slot. */
export class StateArray implements Tensor {
  readonly name: string;
  /** Of the trained variable. */
  readonly path: string;
  readonly #source: StoredState | StoredVariable;

  constructor(name: string, path: string, source: StoredState | StoredVariable) {
    this.name = name;
    this.path = path;
    this.#source = source;
  }

  get shape(): readonly number[] {
    return this.#source.shape;
  }

  get values(): Float32Array<ArrayBuffer> {
    return valuesOf(this.#source) as Float32Array<ArrayBuffer>;
  }
}

/** The values of an array, to be used at once. */
export const valuesOf = (source: StoredState | StoredVariable): Int32Array | Float32Array =>
  source[PEEK]?.() ?? source.value;

/**
 * All arrays of an optimizer: the values, if they are included, then the slots. `states` are its `variables`, which it lists
 * anew each time.
 */
export function arraysOf(
  optimizer: StoredOptimizer,
  states: readonly StoredState[],
  includeVariables: boolean,
): StateArray[] {
  const arrays: StateArray[] = [];
  if (includeVariables) {
    for (const variable of optimizer.trainableVariables) {
      arrays.push(new StateArray(variable.path, variable.path, variable));
    }
  }
  for (const state of states) {
    const { variable, slot } = state;
    if (variable) arrays.push(new StateArray(`${variable.path}/${slot}`, variable.path, state));
  }
  return arrays;
}

/** The arrays by their names. @throws {CheckpointError} if two have the same, or a file cannot hold one. */
export function arraysByName(arrays: readonly StateArray[]): Map<string, StateArray> {
  const found = new Map<string, StateArray>();
  for (const array of arrays) {
    const { name, shape } = array;
    if (name === "__metadata__") throw new CheckpointError(`No variable may have the path "${name}": files use it.`);
    if (!isCounts(shape)) {
      throw new CheckpointError(`Array ${show(name)} has shape [${shape}]; files hold lengths up to 2 ** 53 - 1.`);
    }
    const { size } = found;
    if (found.set(name, array).size > size) continue;
    throw new CheckpointError(`Two arrays would be called "${name}": give the variables different paths.`);
  }
  return found;
}

/** Whether these are lengths that a file can hold. */
function isCounts(shape: unknown): boolean {
  return Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0);
}

/** Every variable has this slot. */
const ALWAYS = "velocity";

/** The variables of a file: their paths and the slots that are kept, in Keras' order. */
export function variablesIn(tensors: ReadonlyMap<string, unknown>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of tensors.keys()) if (name.endsWith(`/${ALWAYS}`)) found.set(name.slice(0, -ALWAYS.length - 1), []);
  for (const slot of SLOTS) {
    for (const [path, slots] of found) if (slot === ALWAYS || tensors.has(`${path}/${slot}`)) slots.push(slot);
  }
  return found;
}

/** The counters and rates of an optimizer by their names, which are their keys in the metadata. */
export function scalarsOf(states: readonly StoredState[]): Map<string, StoredState> {
  const own = states.filter(({ variable, ignored }) => variable === null && !ignored);
  return new Map(own.map((scalar) => [scalar.name, scalar]));
}
