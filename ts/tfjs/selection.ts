// Which variables `excludeFromWeightDecay` and `override` are about, in tfjs' terms.

import type { Override } from "../optimizers/overrides.js";
import type { Named, OverrideSelection, Selection, WeightDecayExclusion } from "../optimizers/variable-selection.js";
import { message } from "../support/messages.js";
import type { VariableLike } from "./tensorflow.js";

/** Which variables `excludeFromWeightDecay` excludes. */
export interface Exclusion<V = VariableLike> extends Omit<WeightDecayExclusion, "variables"> {
  /** These variables. */
  readonly variables?: readonly V[] | undefined;
}

/** Which variables `override` is about. */
export interface TensorSelection<V = VariableLike> extends Omit<OverrideSelection, "variables"> {
  /** These variables. */
  readonly variables?: readonly V[] | undefined;
}

/** `variables`, if they are tfjs'. */
export function checkedTensors(variables: unknown): readonly VariableLike[] {
  if (!Array.isArray(variables)) throw new TypeError(message("variables", "an array of variables", variables));
  return Array.from(variables, (variable: Partial<VariableLike> | undefined, i) => {
    if (typeof variable?.assign === "function") return variable as VariableLike;
    throw new TypeError(message(`variables[${i}]`, "a tf.Variable", variable));
  });
}

/** In tfjs, a variable's name has the layer's in it, so it is the path too. */
export const namedTensor = ({ name }: { readonly name: string }): Named => ({ name, path: name });

export const NO_SELECTION: Selection<VariableLike> = { variables: new Set(), patterns: [] };

/** The selection of what stands for these variables. */
export function bound<V extends WeakKey>(
  { variables, patterns }: Selection<VariableLike>,
  variableOf: (tensor: VariableLike) => V | undefined,
): Selection<V> {
  return { variables: new Set([...variables].flatMap((tensor) => variableOf(tensor) ?? [])), patterns };
}

/** The override of what stands for these variables, of which not all need be there. */
export const boundOverride = <V extends WeakKey>(
  override: Override<VariableLike>,
  variableOf: (tensor: VariableLike) => V | undefined,
): Override<V> => ({ ...override, optional: true, selection: bound(override.selection, variableOf) });
