// A runtime with a pool of threads, and how both end.

import type { KernelExports } from "../generated/kernel.js";
import { ownShared } from "../memory/numbers.js";
import { Runtime } from "../memory/runtime.js";
import { DISPOSE } from "../support/disposable.js";
import { StateError } from "../support/errors.js";
import type { Pool } from "./pool.js";

/** Ends the workers of runtimes that were never freed. */
let forgotten: FinalizationRegistry<Pool> | undefined;

/** The end of a block with `using` or `await using` frees it. */
export interface ThreadedRuntime extends Disposable {}

/**
 * A runtime whose steps several threads share, with the bits of one thread. Made by `createThreadedRuntime`.
 *
 * Its arrays lie in shared memory: `value.buffer` is a `SharedArrayBuffer`, which a few functions of the web do not take
 * (`crypto.getRandomValues`, `TextDecoder`); `value.slice()` has a buffer of its own.
 */
export class ThreadedRuntime extends Runtime {
  readonly #pool: Pool | undefined;
  #freed = false;

  /** @internal Without a pool: an ordinary runtime. */
  constructor(backend: Runtime["backend"], kernel: KernelExports, pool: Pool | undefined) {
    super(backend, kernel);
    this.#pool = pool;
    if (pool === undefined) return;
    this.synchronize();
    // Only a safety net, and the pool knows nothing of this object.
    if (typeof FinalizationRegistry === "function") {
      forgotten ??= new FinalizationRegistry((unused) => unused.end("The runtime is garbage."));
      forgotten.register(this, pool, this);
    }
  }

  /** Threads that share a step; 1 where shared memory, workers or WebAssembly cannot be had. */
  get threads(): number {
    return this.#pool?.threads ?? 1;
  }

  /** @internal */
  override synchronize(): void {
    super.synchronize();
    if (this.#pool !== undefined) ownShared.add(this.buffer);
  }

  /** @internal */
  override assertUnlocked(what: string): void {
    // What is left of a runtime that has ended can still be freed.
    if (!what.endsWith("free()")) {
      if (this.#freed) throw new StateError("The runtime was freed.");
      this.#pool?.assertAlive();
    }
    if (!this.#freed) super.assertUnlocked(what);
  }

  /** @internal */
  override assertNotCorrupted(): void {
    this.#pool?.assertNotCorrupted();
    super.assertNotCorrupted();
  }

  /** Ends the workers. Views stay readable, but nothing can be made or trained in this runtime any more. */
  free(): void {
    if (this.#freed) return;
    this.assertUnlocked("Runtime.free()");
    this.#freed = true;
    this.locked = true;
    forgotten?.unregister(this);
    this.#pool?.end("The runtime was freed.");
  }

  /** @internal */
  [DISPOSE](): void {
    this.free();
  }
}
