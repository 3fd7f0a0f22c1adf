// What replicas and workers ask of a log. `memoryLog` and `natsLog` are the two there are; what the messages mean is not theirs
// to know.

import { checkedObject, integer } from "../support/checks.js";
import { message } from "../support/messages.js";
import type { Position } from "./frame.js";
import type { Signal } from "./host.js";
import { Messages, type Stored } from "./messages.js";
import { createRun } from "./rejoin.js";

export type { Messages, Stored, Subject } from "./messages.js";

/** A message from a consumer; `pending` more are stored already. */
export type Delivered = Stored & { readonly pending: number };

/** A unit that this worker has been given. */
export interface Ticket {
  readonly bytes: Uint8Array;
  /** It is done, or of no use; without this the unit goes to somebody else. */
  ack(): void;
}

/** Where a run begins. */
export interface CreateOptions {
  /** Units applied so far; 0 for a new run. */
  readonly unit: number;
}

/**
 * A log that keeps a run: `natsLog` of `rmsprop-wasm/distributed/nats` or `memoryLog` makes one. (A type: there is nothing to
 * construct.)
 *
 * ```ts
 * import { save } from "rmsprop-wasm/checkpoint";
 * import { memoryLog } from "rmsprop-wasm/distributed";
 *
 * const isNew = await memoryLog().create(save(optimizer), { unit: 0 });
 * isNew; // true
 * ```
 */
export abstract class Log extends Messages {
  /**
   * Begins a run with this checkpoint, unless the log has one. Only whoever begins a run calls it, once; two at the same time
   * are no harm: one of them wins.
   *
   * @param checkpoint what `save` of `rmsprop-wasm/checkpoint` has given.
   * @returns whether it was this call that began the run.
   * @throws {TypeError | RangeError} for arguments that are not as documented.
   * @throws {ServerSilentError} if the server does not answer.
   */
  async create(checkpoint: Uint8Array, options: CreateOptions): Promise<boolean> {
    if (!(checkpoint instanceof Uint8Array)) throw new TypeError(message("checkpoint", "a Uint8Array", checkpoint));
    const { unit } = checkedObject("options", options, ["unit"]);
    return createRun(this, checkpoint, integer("unit", unit, 0, Number.MAX_SAFE_INTEGER));
  }

  /** @internal Makes what values and tickets go through, unless it is there: nothing in it is needed for the bits. */
  abstract ensure(): Promise<void>;

  /**
   * @internal The gradients behind a position, for ever. `verify` is asked, with no message on the way, whenever another consumer
   * than before is about to be believed. `undefined` says that there is nothing stored that was not given.
   */
  abstract readGradients(
    after: () => Position,
    verify: () => Promise<void>,
    signal: Signal,
  ): AsyncGenerator<Delivered | undefined, void, void>;

  /** @internal Replaces the newest values. A record whose id was published before is dropped. */
  abstract publishValues(frames: readonly Uint8Array[], id: string): Promise<void>;

  /** @internal The newest values' messages, for ever; `undefined` where messages begin to come anew. */
  abstract receiveValues(signal: Signal): AsyncGenerator<Uint8Array | undefined, void, void>;

  /** @internal Offers tickets, by their ids. */
  abstract publishTickets(tickets: ReadonlyMap<string, Uint8Array>): Promise<void>;

  /** @internal Tickets for this worker, for ever; who does not `ack` one within `patience` ms loses it. */
  abstract takeTickets(patience: number, signal: Signal): AsyncGenerator<Ticket, void, void>;

  /** @internal Calls back after each time the connection was lost and is there again. Returns what ends that. */
  abstract reconnected(call: () => void): () => void;
}
