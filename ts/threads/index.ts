// The entry for several threads: a runtime whose steps are shared by workers.

import type { KernelExports } from "../generated/kernel.js";
import { INITIAL_PAGES, type ThreadExports } from "../generated/thread-exports.js";
import { checked } from "../kernel/module-backend.js";
import { type Threaded, threaded } from "../kernel/threaded.js";
import { checkedLimits, createRuntime, limit } from "../memory/runtime.js";
import { checkedObject, integer, option } from "../support/checks.js";
import { message } from "../support/messages.js";
import { queue } from "./control.js";
import { createWorker, type HostWorker, starts } from "./host.js";
import { Pool } from "./pool.js";
import { ThreadedRuntime as Class } from "./runtime.js";
import type { Start } from "./worker.js";

/** A runtime whose steps several threads share, made by `createThreadedRuntime`. */
export type ThreadedRuntime = import("./runtime.js").ThreadedRuntime;

/**
 * What `createThreadedRuntime` takes.
 *
 * ```js
 * const worker = () => new Worker("/threads-worker.js");
 * createThreadedRuntime({ threads: 4, initialBytes: 2 ** 26, maximumBytes: 2 ** 30, worker });
 * ```
 */
export interface ThreadedRuntimeOptions {
  /** Threads that share a step, with the one that calls it: 1 to 64. More than there are cores are of no use. */
  readonly threads: number;
  /** Bytes of arrays to make room for at once, less than 2 GiB, as in `createRuntime`. Default 0. */
  readonly initialBytes?: number | undefined;
  /** Upper limit for all arrays in use, in bytes, as in `createRuntime`. Default: 4 GiB. */
  readonly maximumBytes?: number | undefined;
  /**
   * Makes a worker, for pages whose policy forbids scripts out of a Blob: `() => new Worker("/threads-worker.js")`, of the
   * package's file `rmsprop-wasm/threads-worker.js`. Default: inline code.
   */
  readonly worker?: (() => object) | undefined;
}

/** Bytes of a worker's stack: as much as the module itself has. */
const STACK = 65_536;
/** Pages that 32-bit addresses reach. */
const PAGES = 65_536;

const OPTIONS = ["threads", "initialBytes", "maximumBytes", "worker"] as const;

/**
 * A runtime whose steps are shared by `threads` threads: the one that calls, and workers.
 *
 * Where shared memory, workers or WebAssembly cannot be had, or less than all workers start, it has fewer threads, and
 * works all the same: `runtime.threads` says how many. The default runtime is not affected.
 *
 * ```ts
 * import { createThreadedRuntime } from "rmsprop-wasm/threads";
 *
 * const runtime = await createThreadedRuntime({ threads: 2 });
 * const kernel = new Variable(new Float32Array(100_000), { runtime });
 * kernel.free();
 * runtime.free(); // ends the workers
 * ```
 *
 * @throws {OutOfMemoryError} if there is no room for `initialBytes`.
 * @throws {RangeError | TypeError} for options that are not as documented.
 */
export async function createThreadedRuntime(options: ThreadedRuntimeOptions): Promise<ThreadedRuntime> {
  const given = checkedObject("options", options, OPTIONS);
  const threads = integer("threads", option(given, "threads"), 1, 64);
  const limits = checkedLimits(given);
  const worker = option(given, "worker");
  if (worker !== undefined && typeof worker !== "function") {
    throw new TypeError(message("worker", "a function that makes a Worker", worker));
  }
  const withMaximum = (runtime: ThreadedRuntime) => Object.assign(runtime, { maximumBytes: limits.maximum });
  const shared = threads > 1 ? await start(threaded, threads, worker as () => unknown) : undefined;
  if (shared instanceof TypeError) throw shared;
  if (shared === undefined) {
    const { backend, kernel } = createRuntime({ initialBytes: limits.initial, maximumBytes: limits.maximum });
    return withMaximum(new Class(backend, kernel, undefined));
  }
  const { kernel, pool } = shared;
  try {
    limit(kernel, limits);
  } catch (error) {
    pool.end("There was no room for it.");
    throw error;
  }
  return withMaximum(new Class("wasm-simd128", shareSteps(kernel, pool), pool));
}

const notAWorker = (value: unknown) => message("worker", "a function that returns a Worker, at once", value);

/** An instance in shared memory and its workers; `undefined` if they cannot be had, an error if `make` makes others. */
async function start({ compile, script }: Threaded, threads: number, make: (() => unknown) | undefined) {
  try {
    const module = compile();
    const memory = sharedMemory();
    const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as ThreadExports;
    kernel.memory_initialize();
    checked(kernel);
    const count = queue(threads);
    const control = kernel.chunks_memory(4 * count) >>> 0;
    const workers: HostWorker[] = [];
    let wrong: TypeError | undefined;
    const starting = Array.from({ length: threads - 1 }, async (_, i) => {
      const stack = kernel.chunks_memory(STACK) >>> 0;
      const message: Start = { module, memory, stack: stack + STACK, control, count, thread: i + 1 };
      const worker = make ? (make() as HostWorker) : createWorker(script);
      if (typeof worker?.postMessage !== "function") {
        wrong = new TypeError(notAWorker(worker));
        // Of a promise, what it may still give.
        Promise.resolve<Partial<HostWorker> | undefined>(worker).then(
          (late) => late?.terminate?.(),
          () => {},
        );
        return;
      }
      if (await starts(worker, message)) workers.push(worker);
    });
    await Promise.allSettled(starting);
    if (wrong !== undefined) {
      for (const worker of workers) worker.terminate();
      return wrong;
    }
    if (workers.length === 0) return undefined;
    return { kernel, pool: new Pool(kernel, new Int32Array(kernel.memory.buffer, control, count), workers) };
  } catch {
    return undefined;
  }
}

/** A shared memory reserves its maximum of addresses at once: asks for half as much until the host grants it. */
function sharedMemory(): object {
  for (let maximum = PAGES; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch (error) {
      if (maximum <= 1024) throw error;
    }
  }
}

/** The kernel, whose steps are the pool's. */
function shareSteps(kernel: ThreadExports, pool: Pool): KernelExports {
  return {
    ...kernel,
    optimizer_build(optimizer) {
      const status = kernel.optimizer_build(optimizer);
      pool.cut(optimizer);
      return status;
    },
    optimizer_free(optimizer) {
      pool.forget(optimizer);
      kernel.optimizer_free(optimizer);
    },
    optimizer_step(optimizer, scale, learningRate, count) {
      const status = pool.step(optimizer, scale, learningRate, count);
      return status < 0 ? kernel.optimizer_step(optimizer, scale, learningRate, count) : status;
    },
  };
}
