// A replica's checkpoints in the log, one after the other, found or written while the run goes on.

import { isFinal, LogFullError } from "./errors.js";
import { type Signal, sleep } from "./host.js";
import type { Log } from "./log.js";
import { type Announcement, type Checkpoint, link } from "./rejoin.js";

/** Attempts to write a checkpoint into a log that is full: other replicas' purges can make room. */
const FULL_TRIES = 12;
/** Attempts to write one after other errors. */
const TRIES = 30;

interface Callbacks {
  readonly signal: Signal;
  onLinked(): void;
  fail(cause: unknown): void;
}

export class CheckpointChain {
  readonly #log: Log;
  readonly #callbacks: Callbacks;
  #last: Promise<Announcement>;

  constructor(log: Log, last: Announcement, callbacks: Callbacks) {
    this.#log = log;
    this.#callbacks = callbacks;
    this.#last = Promise.resolve(last);
  }

  /** Finds this checkpoint in the log behind the last one, or writes it. */
  add(own: Checkpoint): void {
    this.#last = this.#last.then((last) => this.#link(last, own));
    this.#last.catch((error) => this.#callbacks.fail(error));
  }

  /** Until the log has them all. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #link(last: Announcement, own: Checkpoint): Promise<Announcement> {
    const { signal, onLinked } = this.#callbacks;
    for (let tries = 1; ; tries++) {
      try {
        const found = await link(this.#log, last, own);
        onLinked();
        return found;
      } catch (error) {
        const limit = error instanceof LogFullError ? FULL_TRIES : TRIES;
        if (isFinal(error) || signal.aborted || tries >= limit) throw error;
        await sleep(250);
      }
    }
  }
}
