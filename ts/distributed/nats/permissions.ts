// What each role may do on a NATS server.

import { message } from "../../support/messages.js";
import { WORKERS } from "./queues.js";

/** What a user may publish and subscribe to, as a NATS server's configuration has it. */
export interface NatsPermissions {
  /** Subjects to publish to. */
  readonly publish: { readonly allow: readonly string[] };
  /** Subjects to subscribe to. */
  readonly subscribe: { readonly allow: readonly string[] };
}

/**
 * The permissions that one role needs, and no others: a `worker` appends gradients, takes tickets, reads values; a `replica` does what
 * keeps the run; a `peer`, which is a replica with `compute`, does both; only an `operator` can begin a run.
 *
 * ```ts
 * import { natsPermissions } from "rmsprop-wasm/distributed/nats";
 *
 * const { publish, subscribe } = natsPermissions("digits-7", "worker");
 * subscribe.allow; // ["_INBOX.>"]
 * ```
 *
 * @param run the name that `natsLog` is given.
 * @param role what the user does in the run.
 * @param inbox where this user gets answers; with one of its own for each user (`inboxPrefix` of the connection), no one can listen to
 *   those of others. Default `_INBOX`.
 * @throws {TypeError} for a role that there is not.
 */
export function natsPermissions(
  run: string,
  role: "worker" | "replica" | "peer" | "operator",
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
  const peer = [...new Set([...worker, ...replica])];
  const roles = { worker, replica, peer, operator: [...replica, `$JS.API.STREAM.CREATE.${run}`] };
  if (!Object.hasOwn(roles, role))
    throw new TypeError(message("role", `one of ${Object.keys(roles).join(", ")}`, role));
  return { publish: { allow: roles[role] }, subscribe: { allow: [`${inbox}.>`] } };
}
