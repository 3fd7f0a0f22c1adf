// How a received value reads in an error's message.

import { arrayKind, arrayLength } from "./typed-array.js";

/** How a promise reads in a message. */
const PROMISE = "a Promise (is an `await` missing?)";

/** Of the error for a call that would train nothing. */
export const NO_GRADIENTS = "No gradients provided for any variable: all of them are null.";

/** A value as it reads in a message: short, and no error of its own if a getter or a proxy throws. */
export function show(value: unknown): string {
  try {
    return text(value);
  } catch {
    return "a value that cannot be shown";
  }
}

/** The same of what a user's function returned, which cannot be waited for. */
export function showReturned(value: unknown): string {
  const shown = show(value);
  return shown === PROMISE ? "a Promise (the function cannot be async: compute it first)" : shown;
}

function text(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  // A class can have a static method of that name.
  if (typeof value === "function")
    return value.name && typeof value.name === "string" ? `function ${value.name}` : "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value))
    return `a ${kindOf(value)} of ${arrayKind(value) === undefined ? value.byteLength : arrayLength(value)}`;
  const kind = kindOf(value);
  return kind === "Promise" ? PROMISE : `an object (${kind})`;
}

/** `Float32Array`, `SharedArrayBuffer`, `Object`: what the value is, also if it comes from another realm. */
export function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** "1 number", "2 numbers". */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "Argument `rho` must be a finite number; received NaN." */
export function message(argument: string, rule: string, value: unknown): string {
  return `Argument \`${argument}\` must be ${rule}; received ${show(value)}.`;
}
