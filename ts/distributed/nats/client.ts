// What the log uses of NATS' client. The objects are the user's, so the package imports nothing.

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
