// Several new variables, or none: if one cannot be made, the others do not wait for the garbage collector.
import type { Variable } from "./variable.js";

/** Returns what `work` returns. If it throws, frees the variables that it has handed to `made`. */
export function freeOnError<T>(work: (made: (variable: Variable) => Variable) => T): T {
  const variables: Variable[] = [];
  try {
    return work((variable) => {
      variables.push(variable);
      return variable;
    });
  } catch (error) {
    for (const variable of variables) variable.free();
    throw error;
  }
}
