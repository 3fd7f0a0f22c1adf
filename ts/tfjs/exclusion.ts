// Which variables are kept from weight decay: the argument, checked.

import type { WeightDecayExclusion } from "../optimizers/variable-selection.js";
import { checkedObject, option } from "../support/checks.js";
import { message } from "../support/messages.js";
import type { VariableLike } from "./tensorflow.js";

/** Which variables `excludeFromWeightDecay` excludes. */
export interface Exclusion<V = VariableLike> {
  /** These variables. */
  readonly variables?: readonly V[] | undefined;
  /** Variables in whose name one of these is found; a string is a regular expression, as in Keras. */
  readonly names?: WeightDecayExclusion["names"];
}

/**
 * A copy of `which`. The names are the core's to check.
 *
 * @throws {TypeError} if it holds something other than variables.
 */
export function checkedExclusion(which: unknown): Exclusion {
  const given = checkedObject("which", which, ["variables", "names"]);
  const [variables, names] = [option(given, "variables") ?? [], option(given, "names") ?? []];
  if (!Array.isArray(variables)) throw new TypeError(message("variables", "an array of variables", variables));
  const list = Array.from(variables, (variable: Partial<VariableLike> | undefined, i) => {
    if (typeof variable?.assign === "function") return variable as VariableLike;
    throw new TypeError(message(`variables[${i}]`, "a tf.Variable", variable));
  });
  return { variables: list, names: Array.isArray(names) ? [...names] : (names as Exclusion["names"]) };
}
