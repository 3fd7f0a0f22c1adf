// The words in shared memory by which threads are told what to do, and how a thread takes chunks: the same for all.
//
// Each thread has a queue of its own, which counts down the chunks that nobody has taken, and helps with the others' when
// it is empty. So a thread sees the same parameters in each step, which stay in its core's cache, and nobody waits for a
// thread that sleeps. A ticket is taken by one atomic subtraction; what it is for is read after it: a phase does not end
// before all of its tickets' chunks are done, so what is read belongs to the ticket.

/** Words between two that different threads write to: a cache line. */
const LINE = 16;

/** Counts the phases: what idle threads watch. */
export const EPOCH: number = 0;
/** How many threads sleep. */
export const SLEEPERS: number = LINE;
/** Chunks of this phase that workers have done. */
export const DONE: number = 2 * LINE;
/** Where the crate keeps the step. */
export const STEP: number = 3 * LINE;
/** What to do with each chunk: the crate's number of the phase. */
export const PHASE: number = STEP + 1;
/** Chunks in this phase. */
export const CHUNKS: number = STEP + 2;
/** How many threads there are, with the one that owns the runtime. */
export const THREADS: number = STEP + 3;

/** Where a thread's queue is. */
export const queue = (thread: number): number => (4 + thread) * LINE;

/** The chunk at which a thread's queue begins and its predecessor's ends. */
export const begin = (thread: number, threads: number, chunks: number): number =>
  Math.floor((thread * chunks) / threads);

/** The crate's function that does one chunk. */
export type RunChunk = (step: number, phase: number, chunk: number) => void;

/** Does chunks until none is left, those of its own queue first. Returns how many. */
export function work(words: Int32Array, thread: number, runChunk: RunChunk): number {
  const threads = Atomics.load(words, THREADS);
  let done = 0;
  for (let turn = 0; turn < threads; turn++) {
    const whose = (thread + turn) % threads;
    const index = queue(whose);
    while (Atomics.load(words, index) > 0) {
      const ticket = Atomics.sub(words, index, 1);
      if (ticket <= 0) break;
      const chunk = begin(whose + 1, threads, Atomics.load(words, CHUNKS)) - ticket;
      runChunk(Atomics.load(words, STEP), Atomics.load(words, PHASE), chunk);
      done += 1;
    }
  }
  return done;
}
