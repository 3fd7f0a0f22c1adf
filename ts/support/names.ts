// Names that Keras makes up: a snake_case prefix and a counter per prefix, for the whole program.
import { message } from "./messages.js";

const counters = new Map<string, number>();

/** `prefix`, `prefix_1`, `prefix_2`, … */
export function automaticName(prefix: string): string {
  const count = counters.get(prefix) ?? 0;
  counters.set(prefix, count + 1);
  return count === 0 ? prefix : `${prefix}_${count}`;
}

/** The name given, if it is one that Keras accepts, or an automatic one. */
export function checkedName(name: unknown, prefix: string): string {
  if (name === undefined || name === null) return automaticName(prefix);
  if (typeof name !== "string" || name.includes("/")) {
    throw new TypeError(message("name", "a string without `/`", name));
  }
  return name;
}
