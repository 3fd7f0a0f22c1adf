// What workers need at a base: its values, and a ticket for each unit whose gradient is missing. All replicas publish the same
// under the same id, so the server drops copies and chunks of two writers can be mixed.

import { isFinal } from "./errors.js";
import type { Fold, ReplicatedVariable } from "./fold.js";
import { Draft, type Position } from "./frame.js";
import { randomId, type Signal, sleep } from "./host.js";
import { NO_WORKERS } from "./inbox.js";
import type { Layout } from "./layout.js";
import type { Log } from "./log.js";

/** Attempts to publish one base; after that a stall tries again. */
const TRIES = 5;

/** What a replica shares with its publisher and its worker. */
export interface ReplicaParts {
  readonly log: Log;
  readonly fold: Fold;
  readonly layout: Layout;
  readonly variables: readonly ReplicatedVariable[];
  /** The position of the replica's base. */
  base(): Position;
  /** Whether the run is over: then the last values say so. */
  isOver(): boolean;
  readonly signal: Signal;
  fail(cause: unknown): void;
}

export class Publisher {
  /** What the last attempt failed with. */
  lastError: unknown;
  readonly #parts: ReplicaParts;
  #published: Position = "";
  /** Counts what was published: an older attempt ends when there is a newer one. */
  #generation = 0;
  #publishing: Promise<void> = Promise.resolve();

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
  }

  /** Publishes the base, once. */
  publish(): void {
    if (this.#published === this.#parts.base()) return;
    // That the run is over is each replica's last word, and never taken for a copy: a slower one's earlier values may have come
    // behind another one's last, and workers would wait for ever.
    this.#publish(this.#parts.isOver() ? randomId() : "");
  }

  /** Publishes the base once more, under ids that the server does not take for copies. */
  publishAgain(): void {
    if (this.#published !== "") this.#publish(randomId());
  }

  /** Until everything is published, or given up. */
  settled(): Promise<void> {
    return this.#publishing;
  }

  #publish(attempt: string): void {
    const { log, fold, base, signal, fail } = this.#parts;
    if (signal.aborted) return;
    const [position, isOver] = [base(), this.#parts.isOver()];
    this.#published = position;
    const values = this.#values(position, isOver, attempt);
    const tickets = isOver ? new Map<string, Uint8Array>() : this.#tickets(position, fold.missing(), attempt);
    const id = `v.${position}.${attempt}`;
    this.#generation += 1;
    const generation = this.#generation;
    const isCurrent = () => generation === this.#generation && base() === position && (isOver || !signal.aborted);
    // Not behind what is under way: that waits for answers, of a server that may be dead.
    this.#publishing = (async () => {
      for (let tries = 0; tries < TRIES && isCurrent(); tries++) {
        try {
          if (tries > 0 || attempt !== "") await log.ensure();
          await Promise.all([log.publishValues(values.frames(log.chunkBytes), id), log.publishTickets(tickets)]);
          this.lastError = undefined;
          return;
        } catch (error) {
          if (isFinal(error)) return fail(error);
          this.lastError = error;
          await sleep(200);
        }
      }
    })();
  }

  #values(base: Position, isOver: boolean, attempt: string): Draft {
    const { fold, layout, variables } = this.#parts;
    const draft = new Draft(layout.valueBytes, {
      ...{ kind: "values", attempt: attempt || attemptOf(base), base, unit: fold.base },
      ...{ room: isOver ? 0 : fold.room, lossScale: fold.lossScale, layout: layout.crc },
    });
    layout.writeValues(draft.data, variables);
    return draft;
  }

  #tickets(base: Position, units: readonly number[], attempt: string): Map<string, Uint8Array> {
    return new Map(
      units.map((unit) => {
        const ticket = new Draft(0, { kind: "ticket", attempt: attempt || randomId(), base, unit });
        return [`t.${base}.${unit}.${attempt}`, ticket.frames(1)[0] as Uint8Array];
      }),
    );
  }
}

/** Tells workers, where there are any, that no units are offered. */
export async function refuseWorkers(log: Log): Promise<void> {
  const attempt = randomId();
  try {
    await log.ensure();
    await log.publishValues(new Draft(0, { kind: "values", attempt, room: NO_WORKERS }).frames(1), attempt);
  } catch {
    // Nothing that the run needs: a worker then finds no values.
  }
}

/** The attempt of a base's values: the same in all replicas. */
const attemptOf = (position: Position): string => position.split(":")[2] as string;
