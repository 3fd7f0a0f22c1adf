// What the tensors and the metadata of a checkpoint are called.

import { isCounts } from "../formats/safetensors.js";
import type { StoredOptimizer, StoredState } from "../formats/stored-optimizer.js";
import { SLOTS } from "../generated/codes.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";

/** An array of an optimizer by its name in the file: `<path>` for a variable's values, `<path>/velocity` for a slot. */
export interface StateArray {
  readonly path: string;
  readonly shape: readonly number[];
  readonly value: () => Float32Array<ArrayBuffer>;
}

/** All arrays of an optimizer; `states` are its `variables`, which it lists anew each time. */
export function arraysOf(
  optimizer: StoredOptimizer,
  states: readonly StoredState[],
  includeVariables: boolean,
): Map<string, StateArray> {
  const found = new Map<string, StateArray>();
  const add = (name: string, path: string, of: { readonly shape: readonly number[]; readonly value: unknown }) => {
    if (name === "__metadata__") throw new CheckpointError(`No variable may have the path "${name}": files use it.`);
    if (found.has(name)) {
      throw new CheckpointError(`Two arrays would be called "${name}": give the variables different paths.`);
    }
    if (!isCounts(of.shape)) {
      throw new CheckpointError(`Array ${show(name)} has shape [${of.shape}]; files hold lengths up to 2 ** 53 - 1.`);
    }
    found.set(name, { path, shape: of.shape, value: () => of.value as Float32Array<ArrayBuffer> });
  };
  if (includeVariables) {
    for (const variable of optimizer.trainableVariables) add(variable.path, variable.path, variable);
  }
  for (const state of states) if (state.variable) add(slotName(state), state.variable.path, state);
  return found;
}

/** The name of a slot's tensor. */
export const slotName = ({ variable, slot }: StoredState) => `${variable?.path}/${slot}`;

/** Every variable has this slot. */
const ALWAYS = "/velocity";

/** The variables of a file: their paths and the slots that are kept. */
export function variablesIn(tensors: ReadonlyMap<string, unknown>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of tensors.keys()) {
    if (!name.endsWith(ALWAYS)) continue;
    const path = name.slice(0, -ALWAYS.length);
    found.set(
      path,
      SLOTS.filter((slot) => tensors.has(`${path}/${slot}`)),
    );
  }
  return found;
}

/** The counters and rates of an optimizer by their names, which are their keys in the metadata. */
export function scalarsOf(states: readonly StoredState[]): Map<string, StoredState> {
  const own = states.filter(({ variable, ignored }) => variable === null && !ignored);
  return new Map(own.map((scalar) => [scalar.name, scalar]));
}
