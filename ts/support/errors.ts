// The errors of the package, and how a received value reads in their messages.
// Wrong arguments are the language's own RangeError and TypeError; these are for everything else.

import { arrayKind, arrayLength } from "./typed-array.js";

const KIND: unique symbol = Symbol.for("rmsprop-wasm.error");

/**
 * What the package's own error classes share. (A type: there is nothing to construct or to test for.)
 *
 * Each entry has error classes of its own. `instanceof` takes those of the same name for one: an error that
 * `rmsprop-wasm/checkpoint` throws is a `StateError` of every entry.
 */
export abstract class PackageError extends Error {
  /** @internal */
  abstract get [KIND](): string;

  /** Whether `value` is an error of this class, of this entry or another; for a subclass, one of that subclass. */
  static override [Symbol.hasInstance](this: { readonly prototype: PackageError }, value: unknown): boolean {
    // A subclass of a user has no kind of its own, and is itself alone.
    if (!Object.hasOwn(this.prototype, KIND)) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && (value as PackageError)[KIND] === this.prototype[KIND];
  }
}

/** The call does not fit the state of the object: use after `free`, not built, unknown variable, setter under a schedule. */
export class StateError extends PackageError {
  /** `"StateError"` */
  override readonly name = "StateError";

  /** @internal */
  get [KIND](): string {
    return "StateError";
  }
}

/** The backend asked for cannot be had here; `cause` says why. */
export class BackendUnavailableError extends PackageError {
  /** `"BackendUnavailableError"` */
  override readonly name = "BackendUnavailableError";

  /** @internal */
  get [KIND](): string {
    return "BackendUnavailableError";
  }
}

/** The arrays asked for do not fit into memory, or not under the runtime's `maximumBytes`. */
export class OutOfMemoryError extends PackageError {
  /** `"OutOfMemoryError"` */
  override readonly name = "OutOfMemoryError";

  /** @internal */
  get [KIND](): string {
    return "OutOfMemoryError";
  }
}

/** A stored state does not fit the optimizer it is loaded into. */
export class CheckpointError extends PackageError {
  /** `"CheckpointError"` */
  override readonly name = "CheckpointError";

  /** @internal */
  get [KIND](): string {
    return "CheckpointError";
  }
}

/** How a promise reads in a message. */
const PROMISE = "a Promise (is an `await` missing?)";

/** A value as it reads in a message: short, and no error of its own if a getter or a proxy throws. */
export function show(value: unknown): string {
  try {
    return text(value);
  } catch {
    return "a value that cannot be shown";
  }
}

/** The same of what a user's function returned that is called in the middle of something. */
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
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "Argument `rho` must be a finite number; received NaN." */
export function message(argument: string, rule: string, value: unknown): string {
  return `Argument \`${argument}\` must be ${rule}; received ${show(value)}.`;
}

/** A finite number, or an error that names the argument. */
export function finite(argument: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(message(argument, "a finite number", value));
  if (!Number.isFinite(value)) throw new RangeError(message(argument, "a finite number", value));
  return value;
}

/** A whole number between the bounds, or an error that names the argument. */
export function whole(argument: string, value: unknown, minimum: number, maximum: number): number {
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

/** The error for what needs state; `otherwise` says what else than `build` would give it some. */
export function notBuilt(name: string, otherwise = ""): StateError {
  return new StateError(`Optimizer "${name}" is not built: call build(variables) first${otherwise}.`);
}

/**
 * An object of options, or an error that names the argument and any key it should not have. Keys in `retired` are let
 * through, but not named.
 */
export function record(
  argument: string,
  value: unknown,
  known?: readonly string[],
  retired: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    // The first key is the one that most callers mean who give its value alone.
    throw new TypeError(message(argument, known ? `an object, such as { ${known[0]}: … }` : "an object", value));
  }
  const unknown = known && Object.keys(value).find((key) => !known.includes(key) && !retired.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`Argument \`${argument}\` has an unknown key "${unknown}"; known are ${known?.join(", ")}.`);
  }
  return value as Record<string, unknown>;
}

/** The value of a key, also of a getter in the object's class. What others put on `Object.prototype` is no option. */
export function own(options: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(options, key) || !(key in Object.prototype) ? options[key] : undefined;
}
