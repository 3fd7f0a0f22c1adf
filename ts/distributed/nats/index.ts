// The entry `rmsprop-wasm/distributed/nats`: the log on NATS JetStream, over objects that the user has made.

import { checkedObject, integer } from "../../support/checks.js";
import { message } from "../../support/messages.js";
import type { Log } from "../log.js";
import type { NatsConnection, NatsJetStream, NatsManager } from "./client.js";
import { NatsLog } from "./log.js";
import { Questions } from "./questions.js";

export { LogFullError, NoRunError, ServerSilentError } from "../errors.js";
export type { Signal } from "../host.js";
export type { CreateOptions, Log } from "../log.js";
export type {
  NatsConnection,
  NatsConsumer,
  NatsJetStream,
  NatsManager,
  NatsMessage,
  NatsMessages,
} from "./client.js";
export { type NatsPermissions, natsPermissions } from "./permissions.js";

/** Options of `natsLog`. */
export interface NatsLogOptions {
  /** The connection. With `maxReconnectAttempts: -1` it outlives a server that restarts. */
  readonly connection: NatsConnection;
  /** `jetstream(connection)`. */
  readonly jetstream: NatsJetStream;
  /** `await jetstreamManager(connection)`. */
  readonly manager: NatsManager;
  /** The name of the run: up to 64 letters, digits, `-` and `_`. Streams and subjects begin with it. */
  readonly run: string;
  /** Milliseconds after which a server that answers no question is a `ServerSilentError`. Default 30000. */
  readonly silence?: number | undefined;
  /** For `create`: on how many servers of a cluster the run is kept. Default 1. */
  readonly replicas?: number | undefined;
  /** For `create`: at most this many messages of gradients; at least two `span` and a window. Default 8192. */
  readonly messageLimit?: number | undefined;
  /** For `create`: the most bytes on disk, as a backstop: a log that reaches it can only be read. Default: the server's limit. */
  readonly maximumBytes?: number | undefined;
}

const KNOWN = [
  ...["connection", "jetstream", "manager", "run"],
  ...["silence", "replicas", "messageLimit", "maximumBytes"],
];

/**
 * The log of a run on NATS JetStream (2.9 or newer). Let servers run with `sync_interval: always`: otherwise they acknowledge
 * messages before these are on the disk.
 *
 * ```js
 * const connection = await connect({ servers: "tls://nats.example:4222", maxReconnectAttempts: -1 });
 * const manager = await jetstreamManager(connection);
 * const limits = { replicas: 3, messageLimit: 8192, maximumBytes: 2 ** 33 };
 * await natsLog({ connection, jetstream: jetstream(connection), manager, run: "digits-7", silence: 10_000, ...limits });
 * ```
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
  const { connection, jetstream, manager, maximumBytes } = options;
  const count = (name: "silence" | "replicas" | "messageLimit", otherwise: number) =>
    integer(name, options[name] ?? otherwise, 1, 2 ** 31 - 1);
  const silence = count("silence", 30_000);
  const limits = {
    num_replicas: count("replicas", 1),
    max_msgs_per_subject: count("messageLimit", 8192),
    max_bytes: maximumBytes === undefined ? -1 : integer("maximumBytes", maximumBytes, 1, Number.MAX_SAFE_INTEGER),
  };
  const questions = new Questions(connection, silence);
  return new NatsLog({ run, questions, jetstream, manager, limits, maximumPayload: connection.info?.max_payload });
}
