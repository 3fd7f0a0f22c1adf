// Checks of arguments: the value as its type, or a RangeError or TypeError that names the argument, the rule and the value.

import { message } from "./messages.js";

/** A finite number, or an error that names the argument. */
export function finite(argument: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(message(argument, "a finite number", value));
  if (!Number.isFinite(value)) throw new RangeError(message(argument, "a finite number", value));
  return value;
}

/** `number` in float32, if it is finite there. */
export function finiteFloat32(argument: string, number: number): number {
  const rounded = Math.fround(number);
  if (!Number.isFinite(rounded)) throw new RangeError(message(argument, "finite in float32", number));
  return rounded;
}

/** A whole number between the bounds, or an error that names the argument. */
export function integer(argument: string, value: unknown, minimum: number, maximum: number): number {
  const rule = `a whole number from ${minimum} to ${maximum}`;
  if (typeof value !== "number") throw new TypeError(message(argument, rule, value));
  if (!Number.isInteger(value) || value < minimum || value > maximum)
    throw new RangeError(message(argument, rule, value));
  return value;
}

/** One of the words, or an error that names the argument and them. */
export function word<Word extends string>(argument: string, words: readonly Word[], value: unknown): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const list = words.map((word) => `"${word}"`).join(", ");
  const text = message(argument, list.replace(/, (?=[^,]*$)/, " or "), value);
  throw typeof value === "string" ? new RangeError(text) : new TypeError(text);
}

/**
 * An object of options, or an error that names the argument and all keys it should not have. Keys in `retired` are let
 * through, but not named.
 */
export function checkedObject(
  argument: string,
  value: unknown,
  known?: readonly string[],
  retired: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    // Callers who give a value instead of an object mostly mean the first key.
    throw new TypeError(message(argument, known ? `an object, such as { ${known[0]}: … }` : "an object", value));
  }
  const unknown = known ? Object.keys(value).filter((key) => !known.includes(key) && !retired.includes(key)) : [];
  if (unknown.length > 0) {
    const keys = unknown.map((key) => `"${key}"`).join(", ");
    throw new TypeError(
      `Argument \`${argument}\` has ${unknown.length === 1 ? "an unknown key" : "unknown keys"} ${keys}; known are ${known?.join(", ")}.`,
    );
  }
  return value as Record<string, unknown>;
}

/** The value of a key, also of a getter in the object's class. What others put on `Object.prototype` is no option. */
export function option(options: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(options, key) || !(key in Object.prototype) ? options[key] : undefined;
}
