// The errors of the package.
// Wrong arguments are the language's own RangeError and TypeError; these are for everything else.

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

/**
 * The call does not fit the state of the object: use after `free`, not built, unknown variable, setter under a schedule.
 *
 * ```ts
 * new RMSprop({ name: "rms" }).step(); // throws StateError: Optimizer "rms" is not built: call build(variables) first.
 * ```
 */
export class StateError extends PackageError {
  /** `"StateError"` */
  override readonly name = "StateError";

  /** @internal */
  get [KIND](): string {
    return "StateError";
  }
}

/**
 * The backend asked for cannot be had here; `cause` says why.
 *
 * ```ts
 * try {
 *   createRuntime({ backend: "wasm" });
 * } catch (error) {
 *   if (!(error instanceof BackendUnavailableError)) throw error; // else: the JavaScript backend
 * }
 * ```
 */
export class BackendUnavailableError extends PackageError {
  /** `"BackendUnavailableError"` */
  override readonly name = "BackendUnavailableError";

  /** @internal */
  get [KIND](): string {
    return "BackendUnavailableError";
  }
}

/**
 * The arrays asked for do not fit into memory, or not under the runtime's `maximumBytes`.
 *
 * ```ts
 * const runtime = createRuntime({ maximumBytes: 2 ** 20 });
 * new Variable(new Float32Array(2 ** 20), { runtime }); // throws OutOfMemoryError: …
 * ```
 */
export class OutOfMemoryError extends PackageError {
  /** `"OutOfMemoryError"` */
  override readonly name = "OutOfMemoryError";

  /** @internal */
  get [KIND](): string {
    return "OutOfMemoryError";
  }
}

/**
 * A stored state does not fit the optimizer it is loaded into.
 *
 * ```ts
 * import { load } from "rmsprop-wasm/checkpoint";
 *
 * load(new Uint8Array(8), optimizer); // throws CheckpointError: …
 * ```
 */
export class CheckpointError extends PackageError {
  /** `"CheckpointError"` */
  override readonly name = "CheckpointError";

  /** @internal */
  get [KIND](): string {
    return "CheckpointError";
  }
}

/** The error for what needs state; `otherwise` names a way to get some beside `build`. */
export function notBuilt(name: string, otherwise = ""): StateError {
  return new StateError(`Optimizer "${name}" is not built: call build(variables) first${otherwise}.`);
}

/** The most calls that an optimizer counts. */
export const MAXIMUM_CALLS: number = 2 ** 31 - 1;

/** The error for a step after them. */
export function iterationLimit(): StateError {
  return new StateError(
    "The optimizer has counted 2 ** 31 - 1 calls, the most that Keras and checkpoints count: no step is possible.",
  );
}
