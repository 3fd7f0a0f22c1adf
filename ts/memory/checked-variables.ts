// Lists of variables that a caller gives.

import { ASSERT_NOT_FREED, RUNTIME } from "../support/internal.js";
import { message } from "../support/messages.js";
import { type AnyVariable, Variable } from "./variable.js";

/**
 * `variables`, if it is an array of distinct variables of one runtime, none of which was freed; `argument` and `item` name
 * it in messages.
 */
export function checkedVariables<V extends AnyVariable>(
  variables: readonly V[],
  argument?: string,
  item?: (i: number) => string,
): readonly V[];
export function checkedVariables(variables: unknown): readonly AnyVariable[];
export function checkedVariables(
  variables: unknown,
  argument?: string,
  item?: (i: number) => string,
): readonly AnyVariable[] {
  return distinctVariables(variables, (variable) => variable[ASSERT_NOT_FREED](), argument, item);
}

/** `variables`, if it is an array of distinct variables of one runtime that pass `check`. */
export function distinctVariables(
  variables: unknown,
  check: (variable: AnyVariable) => void,
  argument = "variables",
  item = (i: number) => `variables[${i}]`,
): readonly AnyVariable[] {
  if (!Array.isArray(variables)) {
    const rule = `an array of variables${variables instanceof Variable ? " (put it in an array: [variable])" : ""}`;
    throw new TypeError(message("variables", rule, variables));
  }
  const list: readonly unknown[] = [...variables];
  const seen = new Set<AnyVariable>();
  for (const [i, variable] of list.entries()) {
    if (!(variable instanceof Variable)) {
      throw new TypeError(message(item(i), "a Variable of this copy of the package", variable));
    }
    if (seen.has(variable)) throw new RangeError(`Argument \`${argument}\` lists variable "${variable.path}" twice.`);
    const [first = variable] = seen;
    if (variable[RUNTIME] !== first[RUNTIME]) {
      throw new RangeError(
        `Argument \`${argument}\` must be of one runtime; "${variable.path}" and "${first.path}" belong to different ones.`,
      );
    }
    check(variable);
    seen.add(variable);
  }
  return Object.freeze([...seen]);
}
