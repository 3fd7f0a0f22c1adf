// The entry `rmsprop-wasm/distributed/nats`: the log on NATS JetStream, over objects that the user has made. The only file that
// knows NATS. Every question to the server has a limit.

import { checkedObject, integer } from "../support/checks.js";
import { message } from "../support/messages.js";
import { LogFullError, NoRunError, ServerSilentError } from "./errors.js";
import { type Place, PREFIX, sequenceOf } from "./frame.js";
import { type Signal, sleep, within } from "./host.js";
import { type Delivered, Log, type Stored, type Subject, type Ticket } from "./log.js";

export { LogFullError, NoRunError, ServerSilentError } from "./errors.js";
export type { Signal } from "./host.js";
export type { CreateOptions, Log } from "./log.js";

/** What is used of a connection: `connect` of `@nats-io/transport-node`, or `wsconnect` of `@nats-io/nats-core`, gives one. */
export interface NatsConnection {
  /** What the server says of itself. */
  readonly info?: { readonly max_payload: number };
  /** Whether it was closed for good. */
  isClosed(): boolean;
  /** What happens to it. */
  status(): AsyncIterable<{ readonly type: string }>;
}

/** What is used of a message. */
export interface NatsMessage {
  /** Its sequence in the stream. */
  readonly seq: number;
  /** What was published. */
  readonly data: Uint8Array;
  /** When the server stored it. */
  readonly timestampNanos: bigint;
  /** How it was delivered. */
  readonly info: { readonly consumer: string; readonly pending: number };
  /** It is done. */
  ack(): void;
  /** Somebody else is to have it. */
  nak(): void;
}

/** What is used of the messages of a consumer. */
export interface NatsMessages extends AsyncIterable<NatsMessage> {
  /** Ends them. */
  stop(): void;
  /** What happens to the consumer. */
  status(): AsyncIterable<{ readonly type: string }>;
}

/** What is used of a consumer. */
export interface NatsConsumer {
  /** What the server said of it when it was made. */
  info(cached?: boolean): Promise<{ readonly num_pending: number }>;
  /** Its messages. */
  consume(options: { max_messages: number; expires: number; idle_heartbeat: number }): Promise<NatsMessages>;
  /** One message. */
  next(options: { expires: number }): Promise<NatsMessage | null>;
}

/** What is used of `jetstream(connection)` of `@nats-io/jetstream`. */
export interface NatsJetStream {
  /** Stores a message. */
  publish(
    subject: string,
    data: Uint8Array,
    options: { retries: number; msgID?: string; expect?: { lastSubjectSequence: number } },
  ): Promise<{ readonly seq: number }>;
  /** Consumers. */
  readonly consumers: {
    get(
      stream: string,
      which:
        | string
        | {
            filter_subjects?: string;
            inactive_threshold: number;
            deliver_policy: "by_start_sequence" | "last_per_subject";
            opt_start_seq?: number;
          },
    ): Promise<NatsConsumer>;
  };
}

/** What is used of `await jetstreamManager(connection)` of `@nats-io/jetstream`. */
export interface NatsManager {
  /** Streams. */
  readonly streams: {
    add(config: {
      name: string;
      subjects: string[];
      storage?: "file" | "memory";
      retention?: "limits" | "workqueue";
      discard?: "new";
      max_msgs_per_subject?: number;
      discard_new_per_subject?: boolean;
      max_bytes?: number;
      num_replicas?: number;
    }): Promise<unknown>;
    getMessage(
      stream: string,
      query: { seq: number } | { seq: number; next_by_subj: string },
    ): Promise<{ readonly seq: number; readonly data: Uint8Array; readonly timestamp: string } | null>;
    purge(stream: string, options: { seq: number }): Promise<unknown>;
  };
  /** Consumers. */
  readonly consumers: {
    add(
      stream: string,
      config: { durable_name: string; ack_policy: "explicit"; ack_wait: number; max_ack_pending: number },
    ): Promise<unknown>;
  };
}

/** Options of `natsLog`. */
export interface NatsLogOptions {
  /** The connection. With `maxReconnectAttempts: -1` it outlives a server that restarts. */
  readonly connection: NatsConnection;
  /** `jetstream(connection)`. */
  readonly jetstream: NatsJetStream;
  /** `await jetstreamManager(connection)`. */
  readonly manager: NatsManager;
  /** The name of the run: letters, digits, `-` and `_`. Streams and subjects begin with it. */
  readonly run: string;
  /** Milliseconds after which a server that answers no question is a `ServerSilentError`. Default 30000. */
  readonly silence?: number | undefined;
  /** For `create`: on how many servers of a cluster the run is kept. Default 1. */
  readonly replicas?: number | undefined;
  /** For `create`: at most so many messages of gradients; at least two `span` and a window. Default 8192. */
  readonly messageLimit?: number | undefined;
  /** For `create`: a limit of the disk, as a backstop: what it stops can only be read. Default: the server's. */
  readonly maximumBytes?: number | undefined;
}

const KNOWN = [
  ...["connection", "jetstream", "manager", "run"],
  ...["silence", "replicas", "messageLimit", "maximumBytes"],
];

/** The last part of each subject. */
const SUBJECTS: Readonly<Record<Subject, string>> = { gradients: "g", checkpoint: "c", announcement: "a" };

/** The durable consumer that workers share. */
const WORKERS = "workers";
const HEADERS = 1024;
const MAXIMUM_CHUNK = 2 ** 20;

const text = (error: unknown) => String((error as Error | undefined)?.message ?? error);
/** Errors after which the same question can have an answer. */
const isPassing = (error: unknown) =>
  /timeout|no responders|connection|disconnect|unavailable|not enabled|request error|draining/i.test(text(error));
const isThere = (error: unknown) => /already (in use|exists)/i.test(text(error));
const isAbsent = (error: unknown) => /stream not found/i.test(text(error));
const isFull = (error: unknown) => /maximum|insufficient|resource limits/i.test(text(error));
const isForbidden = (error: unknown) => /permissions violation/i.test(text(error));
const isRefused = (error: unknown) => /wrong last sequence/i.test(text(error));

/** A date with up to nine digits of a second, in nanoseconds. */
function nanoseconds(timestamp: string): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? "";
  const seconds = Date.parse(`${timestamp.slice(0, 19)}Z`) / 1000;
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9)));
}

class NatsLog extends Log {
  readonly chunkBytes: number;
  readonly #connection: NatsConnection;
  readonly #jetstream: NatsJetStream;
  readonly #manager: NatsManager;
  readonly #run: string;
  readonly #silence: number;
  readonly #limits: { num_replicas: number; max_msgs_per_subject: number; max_bytes: number };
  readonly #reconnects = new Set<() => void>();

  constructor(options: NatsLogOptions) {
    super();
    const { connection, jetstream, manager, run } = options;
    const count = (name: "silence" | "replicas" | "messageLimit", otherwise: number) =>
      integer(name, options[name] ?? otherwise, 1, 2 ** 31 - 1);
    const { maximumBytes } = options;
    this.#connection = connection;
    this.#jetstream = jetstream;
    this.#manager = manager;
    this.#run = run;
    this.#silence = count("silence", 30_000);
    this.#limits = {
      num_replicas: count("replicas", 1),
      max_msgs_per_subject: count("messageLimit", 8192),
      max_bytes: maximumBytes === undefined ? -1 : integer("maximumBytes", maximumBytes, 1, Number.MAX_SAFE_INTEGER),
    };
    const payload = connection.info?.max_payload ?? MAXIMUM_CHUNK;
    this.chunkBytes = Math.min(payload, MAXIMUM_CHUNK) - PREFIX - HEADERS;
    this.#watch();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "reconnect") for (const call of [...this.#reconnects]) call();
    }
  }

  reconnected(call: () => void): () => void {
    this.#reconnects.add(call);
    return () => this.#reconnects.delete(call);
  }

  /** Asks until there is an answer, or for too long. Only what may arrive twice is asked so. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const began = Date.now();
    for (;;) {
      const left = began + this.#silence - Date.now();
      try {
        const answer = question();
        // Nobody waits for what comes too late.
        answer.catch(() => {});
        return await within(Math.max(left, 1), answer, () => {
          throw new Error("timeout");
        });
      } catch (error) {
        if (isForbidden(error) || !(isPassing(error) || this.#connection.isClosed())) throw error;
        if (this.#connection.isClosed() || left <= 0) throw this.#silent(error);
        await sleep(Math.min(100, left));
      }
    }
  }

  #silent(cause: unknown): ServerSilentError {
    const closed = this.#connection.isClosed() ? "The connection was closed" : "The server gave no answer";
    return new ServerSilentError(`${closed} for ${this.#silence} ms; the last question ended with: ${text(cause)}`, {
      cause,
    });
  }

  async #add(config: Parameters<NatsManager["streams"]["add"]>[0]): Promise<void> {
    try {
      await this.#ask(() => this.#manager.streams.add(config));
    } catch (error) {
      if (!isThere(error)) throw error;
    }
  }

  async open(): Promise<void> {
    const subjects = Object.values(SUBJECTS).map((last) => `${this.#run}.${last}`);
    await this.#add({
      name: this.#run,
      subjects,
      storage: "file",
      discard: "new",
      discard_new_per_subject: true,
      ...this.#limits,
    });
  }

  async ensure(): Promise<void> {
    const run = this.#run;
    await this.#add({ name: `${run}-todo`, subjects: [`${run}.t`], retention: "workqueue" });
    await this.#add({ name: `${run}-values`, subjects: [`${run}.v.*`], storage: "memory", max_msgs_per_subject: 1 });
  }

  async append(
    subject: Subject,
    frames: readonly Uint8Array[],
    { id, last }: { readonly id?: string; readonly last?: number } = {},
  ): Promise<number | undefined> {
    const send = (bytes: Uint8Array, i: number) =>
      this.#publish(SUBJECTS[subject], bytes, {
        ...(id === undefined ? {} : { msgID: `${id}.${i}` }),
        ...(last === undefined ? {} : { expect: { lastSubjectSequence: last } }),
      });
    try {
      return (await Promise.all(frames.map(send)))[0];
    } catch (error) {
      if (isRefused(error)) return undefined;
      if (isFull(error)) throw new LogFullError(`The log is full: ${text(error)}`, { cause: error });
      throw error;
    }
  }

  /** Publishes once. What is not acknowledged may have arrived. */
  async #publish(
    last: string,
    bytes: Uint8Array,
    options: { msgID?: string; expect?: { lastSubjectSequence: number } },
  ): Promise<number> {
    const sent = this.#jetstream.publish(`${this.#run}.${last}`, bytes, { retries: 0, ...options });
    sent.catch(() => {});
    const { seq } = await within(this.#silence, sent, () => {
      throw this.#silent("timeout");
    });
    return seq;
  }

  async get(sequence: number): Promise<Stored | undefined> {
    return this.#get({ seq: sequence });
  }

  async next(subject: Subject, sequence: number): Promise<Stored | undefined> {
    return this.#get({ seq: sequence, next_by_subj: `${this.#run}.${SUBJECTS[subject]}` });
  }

  /** From the leader: a direct get may be answered by a server that is behind. */
  async #get(query: { seq: number } | { seq: number; next_by_subj: string }): Promise<Stored | undefined> {
    try {
      const stored = await this.#ask(() => this.#manager.streams.getMessage(this.#run, query));
      return stored ? { sequence: stored.seq, time: nanoseconds(stored.timestamp), bytes: stored.data } : undefined;
    } catch (error) {
      if (isAbsent(error) || /no message found/i.test(text(error))) return undefined;
      throw error;
    }
  }

  async purge(before: number): Promise<void> {
    await this.#ask(() => this.#manager.streams.purge(this.#run, { seq: before }));
  }

  async *read(
    after: () => Place,
    verify: () => Promise<void>,
    signal: Signal,
  ): AsyncGenerator<Delivered | undefined, void, void> {
    const make = () =>
      this.#jetstream.consumers.get(this.#run, {
        filter_subjects: `${this.#run}.${SUBJECTS.gradients}`,
        inactive_threshold: 60e9,
        deliver_policy: "by_start_sequence",
        opt_start_seq: sequenceOf(after()) + 1,
      });
    for await (const messages of this.#consumers(make, signal)) {
      await verify();
      if (messages.pending === 0) yield undefined;
      let verified: string | undefined;
      for await (const { seq, timestampNanos, data, info } of messages) {
        // The client's library may have made the consumer anew by itself, in another log.
        if (info.consumer !== verified) await verify();
        verified = info.consumer;
        yield { sequence: seq, time: String(timestampNanos), bytes: data, pending: info.pending };
      }
    }
  }

  async say(frames: readonly Uint8Array[], id: string): Promise<void> {
    await Promise.all(frames.map((bytes, i) => this.#publish(`v.${i}`, bytes, { msgID: `${id}.${i}` })));
  }

  async *hear(signal: Signal): AsyncGenerator<Uint8Array | undefined, void, void> {
    const make = () =>
      this.#jetstream.consumers.get(`${this.#run}-values`, {
        inactive_threshold: 60e9,
        deliver_policy: "last_per_subject",
      });
    for await (const messages of this.#consumers(make, signal)) {
      yield undefined;
      for await (const { data } of messages) yield data;
    }
  }

  /** Consumers in turn, each until the connection, the consumer or its stream is lost. */
  async *#consumers(
    make: () => Promise<NatsConsumer>,
    signal: Signal,
  ): AsyncGenerator<AsyncIterable<NatsMessage> & { readonly pending: number }, void, void> {
    for (let failing: number | undefined; !signal.aborted; ) {
      let messages: NatsMessages | undefined;
      const stop = () => messages?.stop();
      const cancel = this.reconnected(stop);
      signal.addEventListener("abort", stop);
      try {
        const consumer = await this.#ask(make);
        const { num_pending: pending } = await consumer.info(true);
        messages = await consumer.consume({ max_messages: 256, expires: 5000, idle_heartbeat: 1000 });
        this.#stopWhenLost(messages);
        failing = undefined;
        if (signal.aborted) return;
        const all = messages;
        yield { pending, [Symbol.asyncIterator]: () => all[Symbol.asyncIterator]() };
      } catch (error) {
        failing = this.#retried(failing, error);
        await sleep(100);
      } finally {
        cancel();
        signal.removeEventListener("abort", stop);
        stop();
      }
    }
  }

  async #stopWhenLost(messages: NatsMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (/^(consumer_not_found|stream_not_found|consumer_deleted)$/.test(type)) messages.stop();
    }
  }

  /** Since when something fails; throws if that is for too long. */
  #retried(since: number | undefined, error: unknown): number {
    if (error instanceof ServerSilentError || isForbidden(error)) throw error;
    const began = since ?? Date.now();
    if (Date.now() - began < this.#silence) return began;
    if (isAbsent(error)) throw new NoRunError(`The server has no run "${this.#run}".`, { cause: error });
    throw this.#silent(error);
  }

  async offer(tickets: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await Promise.all([...tickets].map(([msgID, bytes]) => this.#publish("t", bytes, { msgID })));
  }

  async *take(patience: number, signal: Signal): AsyncGenerator<Ticket, void, void> {
    const stream = `${this.#run}-todo`;
    const config = {
      durable_name: WORKERS,
      ack_policy: "explicit",
      ack_wait: patience * 1e6,
      max_ack_pending: 10_000,
    } as const;
    for (let failing: number | undefined; !signal.aborted; ) {
      try {
        await this.#ask(() => this.#manager.consumers.add(stream, config)).catch((error) => {
          if (!isThere(error)) throw error;
        });
        const consumer = await this.#ask(() => this.#jetstream.consumers.get(stream, WORKERS));
        for (;;) {
          const ticket = await this.#pull(consumer, signal);
          failing = undefined;
          if (signal.aborted) break;
          if (ticket) yield { bytes: ticket.data, ack: () => ticket.ack() };
          // Nothing to do, or nobody there: a question tells.
          else await this.#ask(() => consumer.info());
        }
      } catch (error) {
        failing = this.#retried(failing, error);
        await sleep(100);
      }
    }
  }

  /** A ticket, or nothing for a while. A pull that is under way when the server dies is answered by nobody. */
  async #pull(consumer: NatsConsumer, signal: Signal): Promise<NatsMessage | null> {
    if (signal.aborted) return null;
    let [isOver, stop, cancel] = [false, () => {}, () => {}];
    const lost = new Promise<null>((resolve) => {
      stop = () => resolve(null);
      cancel = this.reconnected(stop);
      signal.addEventListener("abort", stop);
    });
    const pulled = consumer.next({ expires: 2000 });
    pulled.then(
      (late) => isOver && late?.nak(),
      () => {},
    );
    try {
      return await within(4000, Promise.race([pulled, lost]), () => null);
    } finally {
      isOver = true;
      cancel();
      signal.removeEventListener("abort", stop);
    }
  }
}

/**
 * The log of a run on NATS JetStream (2.9 or newer). Let servers run with `sync_interval: always`: otherwise they acknowledge
 * messages before these are on the disk.
 *
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export async function natsLog(options: NatsLogOptions): Promise<Log> {
  const given = checkedObject("options", options, KNOWN);
  for (const name of ["connection", "jetstream", "manager"] as const) {
    if (typeof given[name] !== "object" || given[name] === null) {
      throw new TypeError(message(name, "an object of NATS' client", given[name]));
    }
  }
  const { run } = given;
  if (typeof run !== "string" || !/^[\w-]{1,64}$/.test(run)) {
    throw new TypeError(message("run", "a name of up to 64 letters, digits, - and _", run));
  }
  return new NatsLog(options);
}

/** What a user may publish and subscribe to, as a NATS server's configuration has it. */
export interface NatsPermissions {
  /** Subjects to publish to. */
  readonly publish: { readonly allow: readonly string[] };
  /** Subjects to subscribe to. */
  readonly subscribe: { readonly allow: readonly string[] };
}

/**
 * The permissions that one role needs, and no others: a `worker` appends gradients, takes tickets, reads values; a `replica` does what
 * keeps the run; only an `operator` can begin one.
 *
 * @param inbox where this user gets answers; with one of its own for each user (`inboxPrefix` of the connection), no one can listen to
 *   those of others. Default `_INBOX`.
 * @throws {TypeError} for a role that there is not.
 */
export function natsPermissions(
  run: string,
  role: "worker" | "replica" | "operator",
  inbox = "_INBOX",
): NatsPermissions {
  const consumer = (stream: string, name: string) =>
    ["CREATE", "INFO", "MSG.NEXT", "DELETE"].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.${name}`);
  const [todo, values] = [`${run}-todo`, `${run}-values`];
  const worker = [
    ...["$JS.API.INFO", `${run}.g`],
    ...[`$JS.API.CONSUMER.DURABLE.CREATE.${todo}.${WORKERS}`, `$JS.API.CONSUMER.CREATE.${todo}.${WORKERS}`],
    ...[`$JS.API.CONSUMER.INFO.${todo}.${WORKERS}`, `$JS.API.CONSUMER.MSG.NEXT.${todo}.${WORKERS}`],
    ...[`$JS.ACK.${todo}.${WORKERS}.>`],
    ...[`$JS.API.STREAM.INFO.${values}`, ...consumer(values, ">")],
  ];
  const replica = [
    ...["$JS.API.INFO", `${run}.c`, `${run}.a`, `${run}.t`, `${run}.v.*`],
    ...[`$JS.API.STREAM.MSG.GET.${run}`, `$JS.API.STREAM.PURGE.${run}`],
    ...[`$JS.API.STREAM.CREATE.${todo}`, `$JS.API.STREAM.CREATE.${values}`],
    ...[`$JS.API.STREAM.INFO.${run}`, ...consumer(run, ">")],
  ];
  const roles = { worker, replica, operator: [...replica, `$JS.API.STREAM.CREATE.${run}`] };
  if (!Object.hasOwn(roles, role)) throw new TypeError(message("role", '"worker", "replica" or "operator"', role));
  return { publish: { allow: roles[role] }, subscribe: { allow: [`${inbox}.>`] } };
}
