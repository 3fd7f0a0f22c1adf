// How long ago a gradient counted, and what happens when that is too long.

import { isFinal, StalledError } from "./errors.js";
import { after, now } from "./host.js";

interface Options {
  readonly stall: number;
  readonly stallLimit: number;
}

interface Callbacks {
  onStall(): Promise<void>;
  /** What publishing last failed with, for the error's cause. */
  lastError(): unknown;
  fail(cause: unknown): void;
}

export class StallTimer {
  readonly #options: Options;
  readonly #callbacks: Callbacks;
  #since = now();
  #stalls = 0;
  #paused: number | undefined;

  constructor(options: Options, callbacks: Callbacks) {
    this.#options = options;
    this.#callbacks = callbacks;
  }

  /** Milliseconds since the last gradient that counted, without pauses. */
  get elapsed(): number {
    return (this.#paused ?? now()) - this.#since;
  }

  /** A gradient counted; returns how long that took. */
  progressed(): number {
    const { elapsed } = this;
    this.#since = now();
    this.#stalls = 0;
    return elapsed;
  }

  /** Stops the clock; returns what starts it again. */
  pause(): () => void {
    const paused = now();
    this.#paused = paused;
    return () => {
      this.#paused = undefined;
      this.#since += now() - paused;
    };
  }

  /** Looks for stalls from now on; returns what ends that. */
  start(): () => void {
    const { stall, stallLimit } = this.#options;
    const { onStall, lastError, fail } = this.#callbacks;
    let [isStopped, cancel] = [false, () => {}];
    const look = async () => {
      if (this.#paused === undefined && this.elapsed >= stall * (this.#stalls + 1)) {
        this.#stalls += 1;
        if (this.#stalls > stallLimit) {
          const text = `No gradient that counts arrived for ${Math.round(this.elapsed)} ms; units were offered again ${stallLimit} times.`;
          return fail(new StalledError(text, { cause: lastError() }));
        }
        try {
          await onStall();
        } catch (error) {
          if (isFinal(error)) return fail(error);
        }
      }
      if (!isStopped) schedule();
    };
    const schedule = () => {
      cancel = after(Math.min(stall, 250), look);
    };
    schedule();
    return () => {
      isStopped = true;
      cancel();
    };
  }
}
