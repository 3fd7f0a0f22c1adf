// Which variables weight decay leaves alone.

import { checkedVariables } from "../memory/checked-variables.js";
import type { AnyVariable } from "../memory/variable.js";
import { checkedObject, option } from "../support/checks.js";
import { message } from "../support/messages.js";

/** Which variables `excludeFromWeightDecay` excludes. */
export interface WeightDecayExclusion {
  /** These variables. */
  readonly variables?: readonly AnyVariable[] | undefined;
  /** Variables in whose name one of these is found; a string is a regular expression, as in Keras. */
  readonly names?: readonly (string | RegExp)[] | undefined;
}

/** Whether weight decay leaves a variable alone. A regular expression of a user's subclass can throw. */
export type IsExcluded = (variable: AnyVariable) => boolean;

/** The test for what `which` excludes. */
export function checkedExclusion(which: WeightDecayExclusion): IsExcluded {
  const given = checkedObject("which", which, ["variables", "names"]);
  const [variables, names] = [option(given, "variables") ?? [], option(given, "names") ?? []];
  if (!Array.isArray(names))
    throw new TypeError(message("names", "an array of strings and regular expressions", names));
  // `from`, because `map` skips holes.
  const patterns = Array.from(names, (pattern: unknown, i) => checkedPattern(`names[${i}]`, pattern));
  const excluded = new Set(checkedVariables(variables));
  // `search` starts at the beginning whatever a global or sticky pattern did before.
  return (variable) => excluded.has(variable) || patterns.some((pattern) => variable.name.search(pattern) >= 0);
}

function checkedPattern(argument: string, pattern: unknown): RegExp {
  if (pattern instanceof RegExp) return pattern;
  if (typeof pattern !== "string") throw new TypeError(message(argument, "a string or a regular expression", pattern));
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new RangeError(message(argument, "a valid regular expression", pattern), { cause });
  }
}
