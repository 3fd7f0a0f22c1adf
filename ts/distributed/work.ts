// A worker in a process of its own: it has no state, no optimizer and no WebAssembly. It hears values and takes units from the log.

import { checkedObject, integer } from "../support/checks.js";
import { message } from "../support/messages.js";
import { newAbortController, onAbort, type Signal } from "./host.js";
import { Inbox } from "./inbox.js";
import { listen } from "./listen.js";
import { Log } from "./log.js";
import { assertCompute, type Compute, checkedPatience, computeTasks, offeredTasks } from "./worker.js";

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
 * @throws {ConfigurationError} if the run's replicas have `workers: false`.
 */
export async function work(log: Log, compute: Compute, options: WorkOptions = {}): Promise<number> {
  if (!(log instanceof Log)) throw new TypeError(message("log", "made by `natsLog` or `memoryLog`", log));
  assertCompute(compute);
  const given = checkedObject("options", options, ["patience", "signal", "maximumBytes"]) as WorkOptions;
  const patience = checkedPatience(given.patience);
  const maximum = integer("maximumBytes", given.maximumBytes ?? 2 ** 31, 1, Number.MAX_SAFE_INTEGER);

  const stop = newAbortController();
  const abort = () => stop.abort();
  const cancel = onAbort(given.signal, abort);
  const inbox = new Inbox();
  const listening = listen(inbox, log, maximum, stop.signal);
  const ending = endOf(inbox, patience, stop.signal).then(abort, abort);
  try {
    const { signal } = stop;
    const tasks = offeredTasks(log, patience, signal);
    return await computeTasks({ log, compute, tasks, inbox, patience, signal });
  } finally {
    abort();
    cancel();
    await Promise.all([listening, ending]);
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
