// The worker in a replica: no values travel, because it computes from the replica's own.

import { onAbort } from "./host.js";
import { Inbox } from "./inbox.js";
import type { ReplicaParts } from "./publisher.js";
import { UnitChoice } from "./unit-choice.js";
import { type Compute, computeTasks, offeredTasks, type Task } from "./worker.js";

interface Parts extends ReplicaParts {
  readonly compute: Compute;
  readonly patience: number;
  /** Whether units are taken as other workers take them, or chosen here. */
  readonly workers: boolean;
  /** Milliseconds since the last gradient that counted. */
  idle(): number;
}

export class LocalWorker {
  readonly #parts: Parts;
  readonly #inbox = new Inbox();
  readonly #choice: UnitChoice;
  #isStarted = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#choice = new UnitChoice(parts.patience);
  }

  /** Works from now on on the units of the replica's base. */
  update(): void {
    const { base, fold, layout, variables } = this.#parts;
    const position = base();
    if (this.#inbox.values?.position === position) return;
    // Copies: what a user's function does to them, or reads of them late, is nothing to the optimizer.
    const arrays = Object.fromEntries(variables.map(({ path, value }) => [path, new Float32Array(value)]));
    this.#inbox.put({ position, room: fold.room, lossScale: fold.lossScale, layout, arrays });
    if (!this.#isStarted) this.#start();
    this.#isStarted = true;
  }

  /** The log has chosen an attempt at the unit at this index of its window. */
  taken(index: number, attempt: string): void {
    this.#choice.taken(index, attempt);
    this.#inbox.wake();
  }

  async #start(): Promise<void> {
    const { log, fold, compute, patience, workers, signal, fail } = this.#parts;
    const [inbox, choice] = [this.#inbox, this.#choice];
    const cancel = onAbort(signal, () => inbox.wake());
    const tasks = workers ? offeredTasks(log, patience, signal) : this.#chosenTasks();
    const [attempt, isMissing] = [() => choice.attempt(), (unit: number) => fold.wants(unit)];
    try {
      await computeTasks({ log, compute, tasks, inbox, patience, attempt, isMissing, signal });
    } catch (error) {
      fail(error);
    } finally {
      cancel();
    }
  }

  async *#chosenTasks(): AsyncGenerator<Task, void, void> {
    const { base, isOver, fold, idle, patience, signal } = this.#parts;
    while (!signal.aborted) {
      const position = base();
      // Nothing while the replica reads on to a base that it has not shown yet.
      const isCurrent = this.#inbox.values?.position === position && !isOver();
      const window = { base: position, first: fold.base, missing: fold.missing(), idle: idle() };
      const unit = isCurrent ? this.#choice.next(window) : undefined;
      if (unit === undefined) await this.#inbox.changed(Math.min(patience, 250));
      else yield { base: position, unit, ack() {} };
    }
  }
}
