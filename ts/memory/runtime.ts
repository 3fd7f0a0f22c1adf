// A runtime: one instance of the crate with its own linear memory, and the views on it.

import type { KernelExports } from "../generated/kernel.js";
import type { Backend } from "../kernel/backend.js";
import { loaders } from "../kernel/backends.js";
import { checkedObject, finite, option } from "../support/checks.js";
import { BackendUnavailableError, OutOfMemoryError, StateError } from "../support/errors.js";
import { message } from "../support/messages.js";

/** Options of `createRuntime`. */
export interface RuntimeOptions {
  /** Forces a backend; without it, WebAssembly where it can be had, else JavaScript. */
  readonly backend?: "wasm" | Backend | undefined;
  /**
   * Bytes of arrays to make room for at once, so that memory need not grow later; there is never room for 2 GiB in one
   * piece. Default 0.
   */
  readonly initialBytes?: number | undefined;
  /**
   * Upper limit for all arrays in use and what the module itself needs, up to 256 KiB, in bytes; what does not fit is
   * an `OutOfMemoryError`. Gaps between arrays that were freed are not counted. Default: 4 GiB.
   */
  readonly maximumBytes?: number | undefined;
}

/** Bytes that 32-bit addresses reach. */
const ADDRESSABLE = 2 ** 32;

/** Memory below this grows by what is needed. */
const GROWS_AHEAD_FROM = 4 * 2 ** 20;

/** How memory is given back. Not a closure: one made where the object is in scope would keep it from becoming garbage. */
interface Release {
  readonly free: (handle: number) => void;
  readonly handle: number;
}

/** One instance of the WebAssembly module, or of its JavaScript translation, with its own memory. Runtimes share nothing. */
export class Runtime {
  /** The backend that computes. */
  readonly backend: Backend;
  /** @internal The crate's exported functions. */
  readonly kernel: KernelExports;
  /** @internal The linear memory as of now; another object after it grew. */
  buffer: ArrayBuffer;
  /** @internal Memory that is not needed yet must not exceed it; the crate knows the limit of what is. */
  maximumBytes = ADDRESSABLE;
  /** @internal Set while a callback runs in the middle of a step: nothing may be allocated, freed or stepped then. */
  locked = false;
  /** @internal How many variables were freed: an optimizer that found all of its own at this count need not look again. */
  freedVariables = 0;
  /** @internal Set while the kernel runs. It stays set if the host cut the call off, which runs no `finally`. */
  running = false;
  readonly #releases: FinalizationRegistry<Release> | undefined;

  /** @internal */
  constructor(backend: Backend, kernel: KernelExports) {
    this.backend = backend;
    this.kernel = kernel;
    this.buffer = kernel.memory.buffer;
    // Only a safety net for what was never freed; some sandboxes have no FinalizationRegistry.
    if (typeof FinalizationRegistry === "function") {
      this.#releases = new FinalizationRegistry(({ free, handle }) => this.release(free, handle));
    }
  }

  /** Bytes of linear memory: arrays in use, room once used and free again, and what the module itself needs. */
  get byteLength(): number {
    return this.buffer.byteLength;
  }

  /** @internal Not "Object": proxies of state libraries, which cannot reach private fields, leave other kinds alone. */
  get [Symbol.toStringTag](): string {
    return "Runtime";
  }

  /** @internal To be called after anything that may have allocated. */
  synchronize(): void {
    this.buffer = this.kernel.memory.buffer;
  }

  /**
   * @internal Makes room for `bytes` at once, if it can be had. Engines take growing memory for a reason to collect garbage:
   * 300,000 variables, 64 KiB at a time, were made and built in 46 s, and are in 4 s.
   */
  reserve(bytes: number): void {
    if (bytes > this.maximumBytes - this.byteLength) return;
    this.kernel.memory_reserve(bytes);
    this.synchronize();
  }

  /** @internal To be called after memory grew for an array of `bytes`: for one of many small ones, it grows by an eighth. */
  growAhead(bytes: number): void {
    const ahead = Math.floor(this.byteLength / 8);
    if (this.byteLength >= GROWS_AHEAD_FROM && bytes < ahead / 8) this.reserve(ahead);
  }

  /** @internal Calls `free(handle)` when `object` is garbage, unless it is freed before. */
  track(object: object, free: Release["free"], handle: number): void {
    this.#releases?.register(object, { free, handle }, object);
  }

  /** @internal */
  untrack(object: object): void {
    this.#releases?.unregister(object);
  }

  /** @internal Gives memory back. After a call that was cut off there is nothing that could take it. */
  release(free: Release["free"], handle: number): void {
    if (this.running) return;
    this.running = true;
    free(handle);
    this.running = false;
  }

  /**
   * @internal Before the kernel changes anything: throws if it cannot run now, and sets `running`. The caller resets it
   * when the call has returned; not in a `finally`, because an exception out of the kernel leaves half a call too.
   */
  enter(what: string): void {
    this.assertUnlocked(what);
    this.running = true;
  }

  /** @internal A call of the kernel that a constraint may make, too, in the middle of a step. */
  call<T>(work: () => T): T {
    const { running } = this;
    this.running = true;
    const result = work();
    this.running = running;
    return result;
  }

  /** @internal */
  assertUnlocked(what: string): void {
    if (this.locked) {
      this.#unlockLater();
      throw new StateError(`${what} is not possible inside a constraint or a learning-rate callback.`);
    }
    if (!what.endsWith("free()")) this.assertNotCutOff();
  }

  /** A callback has ended when a microtask runs. If the runtime is locked even then, the callback was cut off. */
  #unlockLater(): void {
    Promise.resolve().then(() => {
      this.locked = false;
    });
  }

  /** @internal Throws if an earlier call was cut off. */
  assertNotCutOff(): void {
    if (!this.running) return;
    throw new StateError(
      "An earlier call in this runtime was cut off in the middle (a time limit, Ctrl-C, a stack overflow): " +
        "all values, gradients and state in it are undefined. Make new variables and optimizers, and load a checkpoint.",
    );
  }

  /** @internal Throws if what is in the memory is undefined: then it must be neither saved nor loaded into. */
  assertNotCorrupted(): void {
    // A callback is not the middle of the kernel: what it reads is defined.
    if (!this.locked) this.assertNotCutOff();
  }
}

/** What keeps the memory under a view from being given back: a view that is alive keeps its owner alive. */
const owners = new WeakMap<object, object>();

/** The class of a typed array. */
export type ArrayClass<A> = new (buffer: ArrayBuffer, byteOffset: number, length: number) => A;

/** An array in linear memory, as a typed array that is made anew after the memory grew. */
export class View<A extends Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>> {
  readonly #class: ArrayClass<A>;
  readonly #runtime: Runtime;
  readonly #address: number;
  readonly #length: number;
  readonly #owner: object;
  /** Made when it is first asked for: of many arrays, most are never looked at. */
  #view: A | undefined;

  constructor(arrayClass: ArrayClass<A>, runtime: Runtime, address: number, length: number, owner: object) {
    this.#class = arrayClass;
    this.#runtime = runtime;
    this.#address = address >>> 0;
    this.#length = length;
    this.#owner = owner;
  }

  get(): A {
    const view = this.#view;
    return view !== undefined && view.buffer === this.#runtime.buffer ? view : this.#make();
  }

  #make(): A {
    const view = this.unowned();
    owners.set(view, this.#owner);
    this.#view = view;
    return view;
  }

  /** A view to be used at once and dropped. Views kept on many arrays would be most of the garbage collector's work. */
  peek(): A {
    const view = this.#view;
    return view !== undefined && view.buffer === this.#runtime.buffer ? view : this.unowned();
  }

  /** A view to be used at once and dropped: it keeps nothing alive. */
  unowned(): A {
    return new this.#class(this.#runtime.buffer, this.#address, this.#length);
  }
}

function start(wanted: RuntimeOptions["backend"]): Runtime {
  const backend = wanted === "wasm" ? "wasm-simd128" : wanted;
  const causes: unknown[] = [];
  for (const loader of loaders) {
    if (backend !== undefined && loader.backend !== backend) continue;
    try {
      return new Runtime(loader.backend, loader.instantiate());
    } catch (cause) {
      // Not an environment that lacks something, but a program that has not called `init` yet.
      if (cause instanceof StateError) throw cause;
      causes.push(cause);
    }
  }
  const reason = causes.length > 0 ? String(causes[0]) : "it is not part of this entry of the package";
  throw new BackendUnavailableError(`The backend ${backend ?? "of this entry"} cannot be had here: ${reason}.`, {
    cause: causes[0],
  });
}

/**
 * A new runtime: an instance of the module with a memory of its own.
 *
 * ```ts
 * const runtime = createRuntime({ backend: "js", initialBytes: 65_536, maximumBytes: 2 ** 24 });
 * const v = new Variable([1, 2], { runtime });
 * [runtime.backend, runtime.byteLength > 65_536]; // ["js", true]
 * ```
 *
 * @throws {BackendUnavailableError} if the backend asked for cannot be had here.
 * @throws {OutOfMemoryError} if there is no room for `initialBytes`.
 * @throws {RangeError | TypeError} for options that are not as documented.
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const given = checkedObject("options", options, ["backend", "initialBytes", "maximumBytes"]);
  const backend = option(given, "backend");
  if (backend !== undefined && backend !== "wasm" && backend !== "wasm-simd128" && backend !== "js") {
    throw new TypeError(message("backend", '"wasm", "wasm-simd128" or "js"', backend));
  }
  const limits = checkedLimits(given);
  const runtime = start(backend);
  limit(runtime.kernel, limits);
  runtime.maximumBytes = limits.maximum;
  runtime.synchronize();
  return runtime;
}

/** Bytes to make room for at once, and bytes that may be in use. */
interface Limits {
  readonly initial: number;
  readonly maximum: number;
}

export function checkedLimits(given: Record<string, unknown>): Limits {
  const bytes = (name: "initialBytes" | "maximumBytes", otherwise: number): number => {
    const value = finite(name, option(given, name) ?? otherwise);
    if (value < 0 || value > ADDRESSABLE) throw new RangeError(message(name, "from 0 to 2 ** 32 bytes", value));
    return value;
  };
  const initial = bytes("initialBytes", 0);
  const maximum = bytes("maximumBytes", ADDRESSABLE);
  if (initial > maximum) throw new RangeError(message("initialBytes", `at most maximumBytes (${maximum})`, initial));
  return { initial, maximum };
}

/** Sets the limits of an instance. */
export function limit(kernel: KernelExports, { initial, maximum }: Limits): void {
  if (maximum < ADDRESSABLE) kernel.memory_limit(maximum);
  // The largest number that crosses the boundary is one less than what is addressable.
  if (initial > 0 && kernel.memory_reserve(Math.min(initial, ADDRESSABLE - 1)) !== 0) {
    throw new OutOfMemoryError(`There is no room for initialBytes = ${initial}.`);
  }
}

let shared: Runtime | undefined;

/** The runtime of everything that names no other; created when it is first needed, and anew after a call in it was cut off. */
export function defaultRuntime(): Runtime {
  if (shared?.running && !shared.locked) shared = undefined;
  shared ??= start(undefined);
  return shared;
}

/**
 * The backend of the default runtime: `"wasm-simd128"`, or `"js"` where WebAssembly or SIMD cannot be had.
 *
 * ```ts
 * backend(); // "wasm-simd128"
 * ```
 *
 * @throws {BackendUnavailableError} if the entry has none that can be had here.
 */
export function backend(): Backend {
  return defaultRuntime().backend;
}
