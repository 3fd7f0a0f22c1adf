// The threads of one runtime, and how they share a step.

import type { ThreadExports } from "../generated/thread-exports.js";
import { StateError } from "../support/errors.js";
import { begin, CHUNKS, DONE, EPOCH, PHASE, queue, SLEEPERS, STEP, THREADS, work } from "./control.js";
import type { HostWorker } from "./host.js";

/** How often the thread checks for the end before it sleeps, some 0.05 ms: ten chunks. */
const SPINS = 10_000;
/** How long it then sleeps. */
const SLEEP_MS = 0.1;
/** Chunks that a thread could do in one round of spinning and sleeping. */
const CHUNKS_PER_SLEEP = 40;
/**
 * Cap of the exponential back-off: after waiting t, step alone for t, 2t, 4t … at most 32 t. So waiting costs 3 % at most in the
 * end.
 */
const MOST_ALONE = 32;
/** A chunk takes microseconds: a worker that has not finished one by then counts as dead. */
const TIMEOUT_MS = 5000;
/** Cap on the time between two reads of the clock: beyond it, the machine slept or a debugger stopped it. */
const LONGEST_MS = 100;

export class Pool {
  readonly #kernel: ThreadExports;
  readonly #words: Int32Array;
  readonly #workers: readonly HostWorker[];
  /** How many chunks an optimizer's steps have; 0 for one whose steps are not cut. */
  readonly #chunks = new Map<number, number>();
  #mayWait = true;
  /** Chunks that this thread still does alone, because it had to wait for a worker that has no core. */
  #alone = 0;
  /** Factor of the back-off: 1, 2, 4 …; 0 once as many chunks were shared without a wait as had been done alone. */
  #times = 0;
  #probation = 0;
  /** Why there can be no more steps. */
  #end: string | undefined;
  /** Whether a step ended in the middle. */
  #isBroken = false;

  constructor(kernel: ThreadExports, words: Int32Array, workers: readonly HostWorker[]) {
    this.#kernel = kernel;
    this.#words = words;
    this.#workers = workers;
    Atomics.store(words, THREADS, this.threads);
  }

  get threads(): number {
    return 1 + this.#workers.length;
  }

  assertAlive(): void {
    if (this.#end !== undefined) throw new StateError(this.#end);
  }

  /** What is in the memory is defined, also if there can be no more steps. */
  assertNotCorrupted(): void {
    if (this.#isBroken) this.assertAlive();
  }

  /** Cuts an optimizer's steps. */
  cut(optimizer: number): void {
    this.#chunks.set(optimizer, this.#kernel.chunks_plan(optimizer));
  }

  forget(optimizer: number): void {
    this.#chunks.delete(optimizer);
    this.#kernel.chunks_free(optimizer);
  }

  /** A step by all threads. Returns its outcome, or -1 if this thread should, or must, do it as a whole. */
  step(optimizer: number, scale: number, learningRate: number, count: number): number {
    this.assertAlive();
    const chunks = this.#chunks.get(optimizer) ?? 0;
    if (chunks === 0) return -1;
    if (this.#alone > 0) {
      this.#alone -= chunks;
      return -1;
    }
    const kernel = this.#kernel;
    let phase = kernel.chunks_begin(optimizer, scale, learningRate, count);
    if (phase === 0) return -1;
    const step = kernel.chunks_address(optimizer);
    let sleeps = 0;
    for (; phase !== 0; phase = kernel.chunks_next(optimizer)) sleeps += this.#run(step, phase, chunks);
    this.#judge(chunks, sleeps * CHUNKS_PER_SLEEP);
    return kernel.chunks_end(optimizer, scale);
  }

  /**
   * Where other programs use the cores, the system may take a worker's core away in the middle of a chunk, and the step waits for
   * milliseconds. After a wait of more than half a step, steps are faster alone for a while.
   */
  #judge(chunks: number, waited: number): void {
    if (waited > chunks / 2) {
      this.#times = Math.min(Math.max(1, 2 * this.#times), MOST_ALONE);
      this.#alone = this.#probation = this.#times * waited;
    } else if (this.#times > 0) {
      this.#probation -= chunks;
      if (this.#probation < 0) this.#times = 0;
    }
  }

  /** Ends the workers. */
  end(reason: string): void {
    this.#end ??= reason;
    for (const worker of this.#workers) worker.terminate();
  }

  /**
   * Leaves the core to others for a moment: on a machine with more to do than cores, a worker in the middle of a chunk may
   * be waiting for this very core.
   */
  #sleep(done: number): void {
    if (!this.#mayWait) return;
    try {
      Atomics.wait(this.#words, DONE, done, SLEEP_MS);
    } catch {
      // The main thread of a browser, which can only go on looking.
      this.#mayWait = false;
    }
  }

  /** Does all chunks of a phase. Returns how often this thread slept while it waited for workers. */
  #run(step: number, phase: number, chunks: number): number {
    const words = this.#words;
    const { threads } = this;
    Atomics.store(words, STEP, step);
    Atomics.store(words, PHASE, phase);
    Atomics.store(words, CHUNKS, chunks);
    Atomics.store(words, DONE, 0);
    for (let thread = 0; thread < threads; thread++) {
      const mine = begin(thread + 1, threads, chunks) - begin(thread, threads, chunks);
      Atomics.store(words, queue(thread), mine);
    }
    Atomics.add(words, EPOCH, 1);
    if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, EPOCH);
    try {
      return this.#wait(chunks - work(words, 0, this.#kernel.run_chunk));
    } catch (error) {
      this.#isBroken = true;
      this.end("A step of this runtime has failed half-way: what is in its memory is undefined.");
      throw error;
    }
  }

  /** Waits until the workers have done `count` chunks. Returns how often this thread slept meanwhile. */
  #wait(count: number): number {
    let waited = 0;
    let last = 0;
    for (let spins = 1; ; spins++) {
      const done = Atomics.load(this.#words, DONE);
      if (done >= count) return Math.floor(spins / SPINS);
      if (spins % SPINS !== 0) continue;
      this.#sleep(done);
      const now = Date.now();
      if (last > 0) waited += Math.min(now - last, LONGEST_MS);
      last = now;
      if (waited > TIMEOUT_MS) {
        throw new StateError(
          `A worker has died in the middle of a step: it has not done its part within ${TIMEOUT_MS / 1000} s. ` +
            "The step is done by half, and what is in this runtime's memory is undefined.",
        );
      }
    }
  }
}
