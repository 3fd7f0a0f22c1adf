// The log on NATS JetStream, three streams a run: R keeps gradients and checkpoints, in files; R-todo is the queue of tickets,
// R-values has the newest values, both in memory: whoever reconnects publishes them anew.

import { LogFullError, NoRunError } from "../errors.js";
import { type Position, PREFIX, sequenceOf } from "../frame.js";
import type { Signal } from "../host.js";
import { type Delivered, Log, type Stored, type Subject, type Ticket } from "../log.js";
import type { NatsJetStream, NatsManager } from "./client.js";
import { type ConsumerOptions, consumers } from "./consumers.js";
import type { Questions } from "./questions.js";
import { takeTickets } from "./queues.js";
import { existsAlready, isConflict, isFull, isMessageMissing, isStreamMissing, textOf } from "./server-errors.js";

/** The last part of each subject. */
const SUBJECTS: Readonly<Record<Subject, string>> = { gradients: "g", checkpoint: "c", announcement: "a" };

/** Bytes of a message that headers may take. */
const HEADERS = 1024;
const MAXIMUM_CHUNK = 2 ** 20;
/** Nanoseconds without a reader after which the server drops a consumer. */
const INACTIVE = 60e9;

/** Limits of the stream that `create` makes. */
export interface StreamLimits {
  readonly num_replicas: number;
  readonly max_msgs_per_subject: number;
  readonly max_bytes: number;
}

/** What the log is made of. */
export interface NatsParts {
  readonly run: string;
  readonly questions: Questions;
  readonly jetstream: NatsJetStream;
  readonly manager: NatsManager;
  readonly limits: StreamLimits;
  /** The largest message that the server takes. */
  readonly maximumPayload: number | undefined;
}

export class NatsLog extends Log {
  readonly chunkBytes: number;
  readonly #parts: NatsParts;

  constructor(parts: NatsParts) {
    super();
    this.#parts = parts;
    this.chunkBytes = Math.min(parts.maximumPayload ?? MAXIMUM_CHUNK, MAXIMUM_CHUNK) - PREFIX - HEADERS;
  }

  reconnected(call: () => void): () => void {
    return this.#parts.questions.onReconnect(call);
  }

  async open(): Promise<void> {
    const { run, limits } = this.#parts;
    const subjects = Object.values(SUBJECTS).map((last) => `${run}.${last}`);
    const refusing = { discard: "new", discard_new_per_subject: true } as const;
    await this.#addStream({ name: run, subjects, storage: "file", ...refusing, ...limits });
  }

  async ensure(): Promise<void> {
    const { run } = this.#parts;
    const newest = { storage: "memory", max_msgs_per_subject: 1 } as const;
    await this.#addStream({ name: `${run}-todo`, subjects: [`${run}.t`], storage: "memory", retention: "workqueue" });
    await this.#addStream({ name: `${run}-values`, subjects: [`${run}.v.*`], ...newest });
  }

  async #addStream(config: Parameters<NatsManager["streams"]["add"]>[0]): Promise<void> {
    const { questions, manager } = this.#parts;
    try {
      await questions.ask(() => manager.streams.add(config));
    } catch (error) {
      if (!existsAlready(error)) throw error;
    }
  }

  async append(
    subject: Subject,
    frames: readonly Uint8Array[],
    { id, last }: { readonly id?: string; readonly last?: number } = {},
  ): Promise<number | undefined> {
    // The client writes into these options, so each message has its own.
    const publish = (bytes: Uint8Array, i: number) =>
      this.#publish(SUBJECTS[subject], bytes, {
        ...(id === undefined ? {} : { msgID: `${id}.${i}` }),
        ...(last === undefined ? {} : { expect: { lastSubjectSequence: last } }),
      });
    try {
      return (await Promise.all(frames.map(publish)))[0];
    } catch (error) {
      if (isConflict(error)) return undefined;
      if (isFull(error)) throw new LogFullError(`The log is full: ${textOf(error)}`, { cause: error });
      throw error;
    }
  }

  /** Publishes once. What is not acknowledged may have arrived. */
  async #publish(
    last: string,
    bytes: Uint8Array,
    options: { msgID?: string; expect?: { lastSubjectSequence: number } },
  ): Promise<number> {
    const { questions, jetstream, run } = this.#parts;
    const { seq } = await questions.askOnce(() =>
      jetstream.publish(`${run}.${last}`, bytes, { retries: 0, ...options }),
    );
    return seq;
  }

  async get(sequence: number): Promise<Stored | undefined> {
    return this.#get({ seq: sequence });
  }

  async next(subject: Subject, sequence: number): Promise<Stored | undefined> {
    return this.#get({ seq: sequence, next_by_subj: `${this.#parts.run}.${SUBJECTS[subject]}` });
  }

  /** From the leader: a direct get may be answered by a server that is behind. */
  async #get(query: { seq: number } | { seq: number; next_by_subj: string }): Promise<Stored | undefined> {
    const { questions, manager, run } = this.#parts;
    try {
      const stored = await questions.ask(() => manager.streams.getMessage(run, query));
      return stored ? { sequence: stored.seq, time: nanoseconds(stored.timestamp), bytes: stored.data } : undefined;
    } catch (error) {
      if (isStreamMissing(error) || isMessageMissing(error)) return undefined;
      throw error;
    }
  }

  async purge(before: number): Promise<void> {
    const { questions, manager, run } = this.#parts;
    // Not again after a reconnect: in a log that has lost its end meanwhile, this would be a purge beyond it, which empties the stream.
    await questions.askOnce(() => manager.streams.purge(run, { seq: before }));
  }

  async *readGradients(
    after: () => Position,
    verify: () => Promise<void>,
    signal: Signal,
  ): AsyncGenerator<Delivered | undefined, void, void> {
    const { run } = this.#parts;
    const options = () => ({
      filter_subjects: `${run}.${SUBJECTS.gradients}`,
      inactive_threshold: INACTIVE,
      deliver_policy: "by_start_sequence" as const,
      opt_start_seq: sequenceOf(after()) + 1,
    });
    for await (const messages of this.#consumers(run, options, signal)) {
      await verify();
      if (messages.pending === 0) yield undefined;
      let verified: string | undefined;
      for await (const { seq, timestampNanos, data, info } of messages) {
        // NATS' client may have made the consumer anew by itself, in another log.
        if (info.consumer !== verified) await verify();
        verified = info.consumer;
        yield { sequence: seq, time: String(timestampNanos), bytes: data, pending: info.pending };
      }
    }
  }

  async publishValues(frames: readonly Uint8Array[], id: string): Promise<void> {
    await Promise.all(frames.map((bytes, i) => this.#publish(`v.${i}`, bytes, { msgID: `${id}.${i}` })));
  }

  async *receiveValues(signal: Signal): AsyncGenerator<Uint8Array | undefined, void, void> {
    const options = () => ({ inactive_threshold: INACTIVE, deliver_policy: "last_per_subject" as const });
    for await (const messages of this.#consumers(`${this.#parts.run}-values`, options, signal)) {
      yield undefined;
      for await (const { data } of messages) yield data;
    }
  }

  async publishTickets(tickets: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await Promise.all([...tickets].map(([msgID, bytes]) => this.#publish("t", bytes, { msgID })));
  }

  takeTickets(patience: number, signal: Signal): AsyncGenerator<Ticket, void, void> {
    const { run, questions, jetstream, manager } = this.#parts;
    const failed = (since: number | undefined, error: unknown) => this.#failed(since, error);
    return takeTickets({ questions, jetstream, manager, stream: `${run}-todo`, failed }, patience, signal);
  }

  #consumers(stream: string, options: () => ConsumerOptions, signal: Signal) {
    const { questions, jetstream } = this.#parts;
    const make = () => jetstream.consumers.get(stream, options());
    return consumers(questions, make, (since, error) => this.#failed(since, error), signal);
  }

  /** Since when something fails; throws if that is for too long. A stream that stays away is no run. */
  #failed(since: number | undefined, error: unknown): number {
    const { questions, run } = this.#parts;
    try {
      return questions.failingSince(since, error);
    } catch (final) {
      if (!isStreamMissing(error)) throw final;
      throw new NoRunError(`The server has no run "${run}", or one that offers no units.`, { cause: error });
    }
  }
}

/** A date with up to nine digits of a second, in nanoseconds. */
function nanoseconds(timestamp: string): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? "";
  const seconds = Date.parse(`${timestamp.slice(0, 19)}Z`) / 1000;
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9)));
}
