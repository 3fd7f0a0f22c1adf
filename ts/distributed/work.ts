// A worker: takes a unit, waits for the values that it is for, has its gradient computed, and appends that. It has no state, no
// optimizer and no WebAssembly.

import { checkedObject, integer } from "../support/checks.js";
import { message } from "../support/messages.js";
import { LogFullError, ServerSilentError } from "./errors.js";
import { Draft, type Position, readFrame, sequenceOf } from "./frame.js";
import { newAbortController, now, onAbort, randomId, type Signal, sleep } from "./host.js";
import { Inbox } from "./inbox.js";
import type { GradientArray } from "./layout.js";
import { Log } from "./log.js";

/** What a worker's function is handed. */
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

/** Options of `work`. */
export interface WorkOptions {
  /** Milliseconds before another worker gets the unit too; about three times what one takes. Equal in all workers. Default 5000. */
  readonly patience?: number | undefined;
  /** Ends the worker. */
  readonly signal?: Signal | undefined;
  /** The largest record of values that is taken, in bytes. Default 2 ** 31. */
  readonly maximumBytes?: number | undefined;
}

/**
 * Computes gradients for a run until it is over, or `signal` says so.
 *
 * ```js
 * await work(log, async ({ unit, values, gradients, lossScale, signal }) => {
 *   const computed = await backpropagate(batch(unit), values["dense/kernel"], signal);
 *   gradients["dense/kernel"].set(computed.map((g) => lossScale * g));
 * }, { patience: 2000, signal: stop.signal, maximumBytes: 2 ** 28 });
 * ```
 *
 * @param compute fills in the gradients of one unit. What it throws ends the worker, and the unit goes to another one.
 * @returns how many gradients it has appended.
 * @throws {TypeError | RangeError} for arguments, or gradients, that are not as documented.
 * @throws {NoRunError | ServerSilentError} if there is no run, or no answer, for too long.
 */
export async function work(
  log: Log,
  compute: (unit: Unit) => void | Promise<void>,
  options: WorkOptions = {},
): Promise<number> {
  if (!(log instanceof Log)) throw new TypeError(message("log", "made by `natsLog` or `memoryLog`", log));
  if (typeof compute !== "function") throw new TypeError(message("compute", "a function", compute));
  const given = checkedObject("options", options, ["patience", "signal", "maximumBytes"]) as WorkOptions;
  const patience = integer("patience", given.patience ?? 5000, 1, 2 ** 31 - 1);
  const maximum = integer("maximumBytes", given.maximumBytes ?? 2 ** 31, 1, Number.MAX_SAFE_INTEGER);

  const stop = newAbortController();
  const abort = () => stop.abort();
  const cancel = onAbort(given.signal, abort);
  const inbox = new Inbox();
  const listening = inbox.listen(log, maximum, stop.signal);
  const ending = endOf(inbox, patience, stop.signal).then(abort, abort);
  let appended = 0;
  let appending = Promise.resolve();
  try {
    for await (const { bytes, ack } of log.takeTickets(patience, stop.signal)) {
      const ticket = readFrame(bytes, 0);
      const outcome = ticket?.kind === "ticket" ? await serve(ticket.base, ticket.unit) : "void";
      // What cannot be served is dropped: replicas offer again what they need.
      if (outcome === "void") ack();
      else if (outcome !== "left") {
        // The next ticket is asked for while this is under way. One at a time: that bounds memory.
        await appending;
        appending = append(outcome, ack);
        appending.catch(() => {});
      }
      inbox.assertNotFailed();
      if (stop.signal.aborted) break;
    }
    inbox.assertNotFailed();
    await appending;
    return appended;
  } finally {
    abort();
    cancel();
    await Promise.all([listening, ending]);
  }

  /** The gradient; or that nobody needs to see the ticket any more, or that another worker should. */
  async function serve(base: Position, unit: number): Promise<Draft | "void" | "left"> {
    const until = now() + patience;
    while (inbox.values?.position !== base) {
      // The values of a later message: that base is over. (After a rollback its sequence can be greater: hence the limit.)
      if (inbox.values && sequenceOf(inbox.values.position) > sequenceOf(base)) return "void";
      if (stop.signal.aborted) return "left";
      if (now() >= until) return "void";
      await inbox.changed(Math.min(100, patience));
    }
    const { layout, lossScale, arrays } = inbox.values;
    const draft = new Draft(layout.gradientBytes, {
      kind: "gradients",
      attempt: randomId(),
      unit,
      base,
      layout: layout.crc,
    });
    const gradients: Record<string, GradientArray | null> = layout.gradients(draft.data);
    const useless = newAbortController();
    const look = () => {
      if (inbox.values?.position !== base || stop.signal.aborted) useless.abort();
    };
    const cancels = [inbox.onChange(look), onAbort(stop.signal, look)];
    try {
      await compute({ unit, values: arrays, gradients, lossScale, signal: useless.signal });
    } catch (error) {
      if (useless.signal.aborted) return inbox.values?.position === base ? "left" : "void";
      throw error;
    } finally {
      for (const cancel of cancels) cancel();
    }
    if (inbox.values?.position !== base) return "void";
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

/** Waits for the run's end: its last values say so, and none come for a while from replicas that take it further. */
async function endOf(inbox: Inbox, patience: number, signal: Signal): Promise<void> {
  while (!signal.aborted) {
    const { values } = inbox;
    await inbox.changed(values?.room === 0 ? Math.min(patience, 500) : 250);
    if (values?.room === 0 && values === inbox.values) return;
  }
}
