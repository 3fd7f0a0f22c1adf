// A server with TLS and nkeys, whose users have the permissions that `natsPermissions` gives: the run goes on as without them, and a
// worker can do nothing that is not its own.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, nkeyAuthenticator, nkeys } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { save } from "rmsprop-wasm/checkpoint";
import { ConfigurationError, replicate, type Unit, work } from "rmsprop-wasm/distributed";
import { natsLog, natsPermissions } from "rmsprop-wasm/distributed/nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Server } from "./server.js";
import { compute, drained, everything, make, OneProcess, stateOf } from "./support.js";

type Role = "worker" | "replica" | "peer" | "operator";

type User = ReturnType<typeof nkeys.createUser>;

const run = "secret";
const [worker, replica, peer, operator] = Array.from({ length: 4 }, () => nkeys.createUser()) as User[];
const keys = { worker, replica, peer, operator } as Record<Role, User>;
let server: Server;
let ca: string;
const connections: NatsConnection[] = [];

beforeAll(async () => {
  server = await Server.start((folder) => {
    const [key, certificate] = ["key.pem", "certificate.pem"].map((name) => join(folder, name)) as [string, string];
    const about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const made = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...about, ...made], { stdio: "ignore" });
    ca = readFileSync(certificate, "utf8");
    const users = Object.entries(keys).map(([role, user]) => ({
      nkey: user.getPublicKey(),
      permissions: natsPermissions(run, role as Role, `_INBOX_${role}`),
    }));
    return [
      `tls { cert_file: ${JSON.stringify(certificate)}, key_file: ${JSON.stringify(key)} }`,
      `authorization { users: ${JSON.stringify(users)} }`,
    ].join("\n");
  });
});
afterAll(async () => {
  for (const connection of connections) await connection.close();
  await server.free();
});

async function connected(role: Role) {
  const connection = await connect({
    servers: `tls://127.0.0.1:${server.port}`,
    tls: { ca },
    authenticator: nkeyAuthenticator(keys[role].getSeed()),
    inboxPrefix: `_INBOX_${role}`,
    timeout: 20_000,
  });
  connections.push(connection);
  const manager = await jetstreamManager(connection, { timeout: 20_000 });
  const client = jetstream(connection, { timeout: 20_000 });
  const log = await natsLog({ connection, jetstream: client, manager, run });
  return { connection, manager, jetstream: client, log };
}

it("each role can do what it must", { timeout: 60_000 }, async () => {
  const trained = make(everything);
  const { log: operator } = await connected("operator");
  expect(await operator.create(save(trained.optimizer), { unit: 0 })).toBe(true);
  const { log: replica } = await connected("replica");
  const { log: worker } = await connected("worker");
  const working = work(worker, (unit) => compute(everything, unit));
  const { events, error } = await drained(
    replicate(replica, trained.optimizer, { updates: 20, checkpointEvery: 3, stall: 1000, stallLimit: 10_000 }),
  );
  expect(error).toBeUndefined();
  expect(stateOf(trained)).toBe(new OneProcess(everything).until(events.at(-1)!.units).state);
  expect(await working).toBeGreaterThan(0);
});

it.each([true, false])(
  "a peer can do what replicas and workers must, workers: %s",
  { timeout: 60_000 },
  async (workers) => {
    const { log } = await connected("peer");
    const trained = make(everything);
    const peers = [trained, make(everything)].map(async ({ optimizer }) => {
      const computing = { compute: (unit: Unit) => compute(everything, unit), patience: 1000, workers };
      const limits = { updates: workers ? 30 : 40, checkpointEvery: 3, stall: 1000, stallLimit: 10_000 };
      return drained(replicate(log, optimizer, { ...limits, ...computing }));
    });
    for (const { events, error } of await Promise.all(peers)) {
      expect(error).toBeUndefined();
      expect(stateOf(trained)).toBe(new OneProcess(everything).until(events.at(-1)!.units).state);
    }
  },
);

it("a worker is told where peers alone compute", { timeout: 60_000 }, async () => {
  const { log } = await connected("worker");
  await expect(work(log, () => {})).rejects.toThrow(ConfigurationError);
});

it("who is nobody gets in nowhere", async () => {
  const servers = `tls://127.0.0.1:${server.port}`;
  await expect(connect({ servers, tls: { ca } })).rejects.toThrow(/authorization/i);
  const authenticator = nkeyAuthenticator(nkeys.createUser().getSeed());
  await expect(connect({ servers, tls: { ca }, authenticator })).rejects.toThrow(/authorization/i);
  // Nor does anybody who does not know the server's certificate.
  await expect(
    connect({ servers, tls: {}, authenticator: nkeyAuthenticator(keys.worker.getSeed()) }),
  ).rejects.toThrow();
});

describe("what is another role's, a role cannot do", { timeout: 60_000 }, () => {
  type Client = Awaited<ReturnType<typeof connected>>;
  const bytes = new Uint8Array(1);
  const publish = (subject: string) => (client: Client) => client.jetstream.publish(subject, bytes, { retries: 0 });
  const forbidden: [Role, string, (client: Client) => Promise<unknown>][] = [
    ["worker", "announce", publish(`${run}.a`)],
    ["worker", "write a checkpoint", publish(`${run}.c`)],
    ["worker", "offer a ticket", publish(`${run}.t`)],
    ["worker", "say values", publish(`${run}.v.0`)],
    ["worker", "begin a run", (client) => client.log.create(bytes, { unit: 0 })],
    ["worker", "purge", ({ manager }) => manager.streams.purge(run)],
    ["worker", "delete the run", ({ manager }) => manager.streams.delete(run)],
    ["worker", "delete the tickets", ({ manager }) => manager.streams.delete(`${run}-todo`)],
    ["worker", "delete a message", ({ manager }) => manager.streams.deleteMessage(run, 1)],
    ["worker", "read a message", ({ manager }) => manager.streams.getMessage(run, { seq: 1 })],
    ["worker", "read the log", ({ jetstream }) => jetstream.consumers.get(run, { filter_subjects: `${run}.g` })],
    ["worker", "make a stream", ({ manager }) => manager.streams.add({ name: "other", subjects: ["other"] })],
    ["worker", "copy the run", ({ manager }) => manager.streams.add({ name: "copy", sources: [{ name: run }] })],
    ["replica", "append a gradient", publish(`${run}.g`)],
    [
      "replica",
      "make the stream of the run",
      ({ manager }) => manager.streams.add({ name: run, subjects: [`${run}.g`] }),
    ],
    ["replica", "delete the run", ({ manager }) => manager.streams.delete(run)],
    ["peer", "make the stream of the run", ({ manager }) => manager.streams.add({ name: run, subjects: [`${run}.g`] })],
    ["peer", "delete the run", ({ manager }) => manager.streams.delete(run)],
    ["operator", "append a gradient", publish(`${run}.g`)],
    ["operator", "delete the run", ({ manager }) => manager.streams.delete(run)],
  ];

  it.each(forbidden)("%s: %s", async (role, _, act) => {
    await expect(act(await connected(role))).rejects.toThrow(/permissions violation/i);
  });

  it.each([`${run}.>`, "$JS.>", "_INBOX_replica.>", ">"])("worker: listen to %s", async (subject) => {
    const { connection } = await connected("worker");
    const subscription = connection.subscribe(subject);
    expect(await subscription.closed).toBeInstanceOf(Error);
  });

  it("and so the run is as it was", async () => {
    const trained = make(everything);
    const { log } = await connected("replica");
    const { events, error } = await drained(replicate(log, trained.optimizer, { updates: 40 }));
    expect(error).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(["join", "end"]);
    expect(stateOf(trained)).toBe(new OneProcess(everything).until(events[0]!.units).state);
  });
});
