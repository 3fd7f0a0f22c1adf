// Memory for several variables at once, without leaving some of them behind until they are garbage.
import type { Variable } from "./variable.js";

/** What `work` gives. If it throws, the variables that it has handed to `made` are freed. */
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
