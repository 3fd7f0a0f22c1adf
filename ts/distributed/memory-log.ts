// A log in this program's memory, for tests and for what runs on one page. It ends with the program.

import { checkedObject, integer } from "../support/checks.js";
import { type Position, sequenceOf } from "./frame.js";
import { after, type Signal, sleep } from "./host.js";
import { type Delivered, Log, type Stored, type Subject, type Ticket } from "./log.js";

/** A message in memory. */
export interface MemoryMessage extends Stored {
  /** Which of the three streams it is in. */
  readonly subject: Subject;
}

interface Waiting {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * A log in memory, whose messages a test can lose.
 *
 * ```js
 * const log = memoryLog({ chunkBytes: 65_536 });
 * log.messages.length = 10; // loses what came later
 * log.disconnect();
 * log.messages.map(({ subject, sequence, time, bytes }) => bytes.length);
 * ```
 */
export class MemoryLog extends Log {
  /** The stored messages by their sequence minus 1; `undefined` for what was dropped. Cutting the array loses the log's end. */
  readonly messages: (MemoryMessage | undefined)[] = [];
  /** @internal */
  readonly chunkBytes: number;
  #values: readonly Uint8Array[] = [];
  readonly #ids = new Set<string>();
  readonly #tickets: Waiting[] = [];
  readonly #wakes = new Set<() => void>();
  readonly #reconnects = new Set<() => void>();
  #connection = 0;
  #time = 0;
  #isOpen = false;

  /** @internal */
  constructor(chunkBytes: number) {
    super();
    this.chunkBytes = chunkBytes;
  }

  /** Ends all consumers, as a server does that restarts: everybody looks whether the log is still the same. */
  disconnect(): void {
    this.#connection += 1;
    for (const call of [...this.#reconnects]) call();
    this.#wake();
  }

  /** @internal */
  async open(): Promise<void> {
    this.#isOpen = true;
  }

  /** @internal */
  async ensure(): Promise<void> {}

  /** @internal */
  async append(
    subject: Subject,
    frames: readonly Uint8Array[],
    { last }: { readonly last?: number } = {},
  ): Promise<number | undefined> {
    if (!this.#isOpen) throw new Error("The log holds no run.");
    if (last !== undefined && last !== this.#last(subject)) return undefined;
    const first = this.messages.length + 1;
    for (const bytes of frames) {
      this.#time += 1;
      const stored = { subject, bytes: bytes.slice(), sequence: this.messages.length + 1, time: String(this.#time) };
      this.messages.push(stored);
    }
    this.#wake();
    return first;
  }

  /** @internal */
  async get(sequence: number): Promise<Stored | undefined> {
    return this.messages[sequence - 1];
  }

  /** @internal */
  async next(subject: Subject, sequence: number): Promise<Stored | undefined> {
    return this.messages.find((stored) => stored?.subject === subject && stored.sequence >= sequence);
  }

  /** @internal */
  async purge(before: number): Promise<void> {
    this.messages.fill(undefined, 0, before - 1);
  }

  /** @internal */
  async *readGradients(
    afterPosition: () => Position,
    verify: () => Promise<void>,
    signal: Signal,
  ): AsyncGenerator<Delivered | undefined, void, void> {
    for (let [at, connection] = [0, -1]; !signal.aborted; ) {
      if (connection !== this.#connection) {
        connection = this.#connection;
        await verify();
        at = sequenceOf(afterPosition());
        if (!this.#hasGradients(at)) yield undefined;
        continue;
      }
      if (at >= this.messages.length) {
        await this.#woken(signal);
        continue;
      }
      const stored = this.messages[at];
      at += 1;
      if (stored?.subject === "gradients") yield { ...stored, pending: this.#hasGradients(at) ? 1 : 0 };
    }
  }

  /** @internal */
  async publishValues(frames: readonly Uint8Array[], id: string): Promise<void> {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#values = frames.map((bytes) => bytes.slice());
    this.#wake();
  }

  /** @internal */
  async *receiveValues(signal: Signal): AsyncGenerator<Uint8Array | undefined, void, void> {
    for (let received: readonly Uint8Array[] | undefined; !signal.aborted; ) {
      if (received === this.#values) {
        await this.#woken(signal);
        continue;
      }
      received = this.#values;
      yield undefined;
      yield* received;
    }
  }

  /** @internal */
  async publishTickets(tickets: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [id, bytes] of tickets) {
      if (this.#ids.has(id)) continue;
      this.#ids.add(id);
      this.#tickets.push({ id, bytes });
    }
    this.#wake();
  }

  /** @internal */
  async *takeTickets(patience: number, signal: Signal): AsyncGenerator<Ticket, void, void> {
    while (!signal.aborted) {
      const ticket = this.#tickets.shift();
      if (!ticket) {
        await this.#woken(signal);
        continue;
      }
      // Others' turn: a busy log must not starve timers.
      await sleep(0);
      const ack = after(patience, () => {
        this.#tickets.push(ticket);
        this.#wake();
      });
      yield { bytes: ticket.bytes, ack };
    }
  }

  /** @internal */
  reconnected(call: () => void): () => void {
    this.#reconnects.add(call);
    return () => this.#reconnects.delete(call);
  }

  #hasGradients(behind: number): boolean {
    return this.#last("gradients") > behind;
  }

  /** The sequence of a subject's last message. */
  #last(subject: Subject): number {
    let sequence = this.messages.length;
    while (sequence > 0 && this.messages[sequence - 1]?.subject !== subject) sequence -= 1;
    return sequence;
  }

  #wake(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }

  /** Until there may be something new, or it is time to stop. */
  async #woken(signal: Signal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}

/** Options of `memoryLog`. */
export interface MemoryLogOptions {
  /** Bytes of a record that fit into one message. Default 1 MiB. */
  readonly chunkBytes?: number | undefined;
}

/**
 * A log in this program's memory.
 *
 * ```ts
 * import { memoryLog } from "rmsprop-wasm/distributed";
 *
 * memoryLog({ chunkBytes: 65_536 }).messages.length; // 0
 * ```
 *
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const { chunkBytes = 2 ** 20 } = checkedObject("options", options, ["chunkBytes"]);
  return new MemoryLog(integer("chunkBytes", chunkBytes, 1, 2 ** 30));
}
