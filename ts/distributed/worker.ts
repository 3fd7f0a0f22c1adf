// The loop of a worker, in a process of its own or in a replica's: takes a unit, waits for the values that it is for, has its
// gradient computed, and appends that.

import { integer } from "../support/checks.js";
import { message } from "../support/messages.js";
import { LogFullError, ServerSilentError } from "./errors.js";
import { Draft, type Position, readFrame, sequenceOf } from "./frame.js";
import { newAbortController, now, onAbort, randomId, type Signal, sleep } from "./host.js";
import type { Inbox } from "./inbox.js";
import type { GradientArray } from "./layout.js";
import type { Log } from "./log.js";

/**
 * What a worker's function is handed.
 *
 * ```js
 * const compute = ({ unit, values, gradients, lossScale, signal }) =>
 *   backpropagate(batch(unit), values["dense/kernel"], gradients["dense/kernel"], lossScale, signal);
 * ```
 */
export interface Unit {
  /** Which unit it is, from 0: the data, and any randomness, must follow from it. */
  readonly unit: number;
  /** The values by the variables' paths. To be read only. */
  readonly values: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  /**
   * The gradients by the variables' paths, at 0: to be filled in. Numbers of 16 bits are their bits. Set to `null` what the loss
   * does not depend on.
   */
  readonly gradients: Record<string, GradientArray | null>;
  /** What the gradients must be multiplied by; 1 unless the loss is scaled. */
  readonly lossScale: number;
  /** Aborted when the gradient is of no use any more. What is thrown after that is no error. */
  readonly signal: Signal;
}

/** Fills in the gradients of a unit. */
export type Compute = (unit: Unit) => void | Promise<void>;

/** @throws {TypeError} if it is no function. */
export function assertCompute(compute: unknown): void {
  if (typeof compute !== "function") throw new TypeError(message("compute", "a function", compute));
}

/** Milliseconds. */
export const checkedPatience = (patience: unknown): number => integer("patience", patience ?? 5000, 1, 2 ** 31 - 1);

/** A unit that this worker is to compute. */
export interface Task {
  readonly base: Position;
  readonly unit: number;
  /** It is done, or of no use. */
  ack(): void;
}

interface Parts {
  readonly log: Log;
  readonly compute: Compute;
  readonly tasks: AsyncIterable<Task>;
  readonly inbox: Inbox;
  /** Milliseconds that a task may wait for its values. */
  readonly patience: number;
  /** A new name for an attempt. */
  attempt?: () => string;
  /** Whether the log, as far as it is known here, has no gradient of this unit yet. */
  isMissing?: (unit: number) => boolean;
  readonly signal: Signal;
}

/** The units that replicas offer, for ever. */
export async function* offeredTasks(log: Log, patience: number, signal: Signal): AsyncGenerator<Task, void, void> {
  for await (const { bytes, ack } of log.takeTickets(patience, signal)) {
    const ticket = readFrame(bytes, 0);
    if (ticket?.kind === "ticket") yield { base: ticket.base, unit: ticket.unit, ack };
    else ack();
  }
}

/**
 * Works until it is time to stop.
 *
 * @returns how many gradients it has appended.
 */
export async function computeTasks(parts: Parts): Promise<number> {
  const { log, compute, tasks, inbox, patience, attempt = randomId, isMissing = () => true, signal } = parts;
  let appended = 0;
  let appending = Promise.resolve();
  for await (const { base, unit, ack } of tasks) {
    const outcome = await serve(base, unit);
    // What cannot be served is dropped: replicas offer again what they need.
    if (outcome === "void") ack();
    else if (outcome !== "left") {
      // The next unit is asked for while this is under way. One at a time: that bounds memory.
      await appending;
      appending = append(outcome, ack);
      appending.catch(() => {});
    }
    inbox.assertNotFailed();
    if (signal.aborted) break;
  }
  inbox.assertNotFailed();
  await appending;
  return appended;

  /** The gradient; or that nobody needs it any more, or that another worker should compute it. */
  async function serve(base: Position, unit: number): Promise<Draft | "void" | "left"> {
    const until = now() + patience;
    while (inbox.values?.position !== base) {
      // The values of a later message: that base is over. (After a rollback its sequence can be greater: hence the limit.)
      if (inbox.values && sequenceOf(inbox.values.position) > sequenceOf(base)) return "void";
      if (signal.aborted) return "left";
      if (now() >= until) return "void";
      await inbox.changed(Math.min(100, patience));
    }
    const { layout, lossScale, arrays } = inbox.values;
    const isUseless = () => inbox.values?.position !== base || !isMissing(unit);
    if (isUseless()) return "void";
    const about = { kind: "gradients", attempt: attempt(), unit, base, layout: layout.crc } as const;
    const draft = new Draft(layout.gradientBytes, about);
    const gradients: Record<string, GradientArray | null> = layout.gradients(draft.data);
    const useless = newAbortController();
    const look = () => {
      if (signal.aborted || isUseless()) useless.abort();
    };
    const cancels = [inbox.onChange(look), onAbort(signal, look)];
    try {
      await compute({ unit, values: arrays, gradients, lossScale, signal: useless.signal });
    } catch (error) {
      if (useless.signal.aborted) return isUseless() ? "void" : "left";
      throw error;
    } finally {
      for (const cancel of cancels) cancel();
    }
    if (isUseless()) return "void";
    if (!layout.finish(draft.data, gradients)) {
      throw new RangeError(`Unit ${unit} has no gradient: all of them are null.`);
    }
    return draft;
  }

  async function append(draft: Draft, ack: () => void): Promise<void> {
    try {
      await log.append("gradients", draft.frames(log.chunkBytes));
      appended += 1;
      ack();
    } catch (error) {
      if (error instanceof ServerSilentError) throw error;
      // Not acknowledged, so it comes again, to somebody. A log that is full has room after the next checkpoint.
      if (error instanceof LogFullError) await sleep(Math.min(patience, 250));
    }
  }
}
