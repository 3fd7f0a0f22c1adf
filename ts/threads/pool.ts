// The threads of one runtime, and how they share a step.

import type { ThreadExports } from "../generated/thread-exports.js";
import { StateError } from "../support/errors.js";
import { begin, CHUNKS, DONE, EPOCH, PHASE, queue, SLEEPERS, STEP, THREADS, work } from "./control.js";
import type { HostWorker } from "./host.js";

/** Looks for an end before the first nap, some 0.05 ms: ten chunks. */
const LOOKS = 10_000;
/** Milliseconds of a nap. */
const NAP = 0.1;
/** Chunks that a thread could do in a nap, with the looks before it. */
const CHUNKS_PER_NAP = 40;
/**
 * At most so many times as long as it had to wait, this thread then does steps alone: what waiting costs is 3 % in the end. At
 * first it is as long as it waited, because a core may be gone for this once, and twice as many times each time it is gone again.
 */
const MOST_ALONE = 32;
/** Milliseconds after which a worker that has taken a chunk, of some microseconds, and not done it counts as dead. */
const PATIENCE = 5000;
/** Of a longer time between two looks at the clock only so much counts: the machine slept, or a debugger stopped it. */
const LONGEST = 100;

export class Pool {
  readonly #kernel: ThreadExports;
  readonly #words: Int32Array;
  readonly #workers: readonly HostWorker[];
  /** How many chunks an optimizer's steps have; 0 for one whose steps are not cut. */
  readonly #chunks = new Map<number, number>();
  #mayWait = true;
  /** Chunks that this thread still does alone, because it had to wait for a worker that has no core. */
  #alone = 0;
  /** How many times as long as the last wait that was; 0 again when as many chunks have been shared since then. */
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

  /** A step by all threads; its outcome, or -1 if it is better, or necessary, that this one does it as a whole. */
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
    let naps = 0;
    for (; phase !== 0; phase = kernel.chunks_next(optimizer)) naps += this.#run(step, phase, chunks);
    this.#judge(chunks, naps * CHUNKS_PER_NAP);
    return kernel.chunks_end(optimizer, scale);
  }

  /**
   * Where other programs use the cores, the system takes a worker's core away in the middle of a chunk, and there is nothing but
   * to wait, for milliseconds. If that is half as long as the step itself, steps are faster alone for a while.
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
  #nap(done: number): void {
    if (!this.#mayWait) return;
    try {
      Atomics.wait(this.#words, DONE, done, NAP);
    } catch {
      // The main thread of a browser, which can only go on looking.
      this.#mayWait = false;
    }
  }

  /** All chunks of a phase; how many naps it took to wait for workers. */
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

  /** Until the workers have done so many chunks; the number of naps meanwhile. */
  #wait(count: number): number {
    let waited = 0;
    let last = 0;
    for (let looks = 1; ; looks++) {
      const done = Atomics.load(this.#words, DONE);
      if (done >= count) return Math.floor(looks / LOOKS);
      if (looks % LOOKS !== 0) continue;
      this.#nap(done);
      const now = Date.now();
      if (last > 0) waited += Math.min(now - last, LONGEST);
      last = now;
      if (waited > PATIENCE) {
        throw new StateError(
          `A worker has died in the middle of a step: it has not done its part within ${PATIENCE / 1000} s. ` +
            "The step is done by half, and what is in this runtime's memory is undefined.",
        );
      }
    }
  }
}
