// How long updates take, as ratios within one run: beside core NATS with the same records, beside request and reply with the same
// bytes, beside JetStream that stores them and nothing else, in round trips of a slow network, and when parts die. Here it is only shown to come to an end; numbers by hand:
// DISTRIBUTED_SPEED=5 npx vitest run test/distributed/speed.test.ts
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { RMSprop, Variable } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { type ReplicaEvent, replicate } from "rmsprop-wasm/distributed";
import { expect, it } from "vitest";
import { corePeer } from "./core-peer.js";
import type { Part } from "./process.js";
import { Process } from "./processes.js";
import { TcpProxy } from "./proxy.js";
import { Server, version } from "./server.js";
import { type Dtype, everything, make, type Training } from "./support.js";

const ROUNDS = Number(process.env["DISTRIBUTED_SPEED"] ?? 0);
const isReal = ROUNDS > 0;
/** Workers, and units of an update. */
const WORKERS = 2;
const CHUNK = 2 ** 20 - 2048;

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How long `updates` updates take one by one, in milliseconds. */
async function timed(updates: number, update: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < updates; i++) {
    const began = performance.now();
    await update();
    times.push(performance.now() - began);
  }
  return times;
}

/** The next update of a replica. */
async function nextUpdate(events: AsyncGenerator<ReplicaEvent>): Promise<void> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error("The run is over.");
    if (value.type === "update") return;
  }
}

interface Effort {
  /** Updates before the first round. */
  readonly warmUp: number;
  readonly rounds: number;
  /** Of each way, in a round. */
  readonly updates: number;
}

/** Milliseconds of an update of the log and in other ways, and how many times as long the log takes: medians of interleaved rounds. */
async function compared(log: () => Promise<unknown>, others: Record<string, () => Promise<unknown>>, effort: Effort) {
  const ways = Object.entries({ log, ...others });
  const round = async (updates: number) => {
    const times: Record<string, number> = {};
    for (const [name, update] of ways) times[name] = median(await timed(updates, update));
    return times;
  };
  await round(effort.warmUp);
  const rounds: Record<string, number>[] = [];
  for (let i = 0; i < Math.max(1, effort.rounds); i++) rounds.push(await round(effort.updates));
  const milliseconds = ways.map(([name]) => [name, median(rounds.map((times) => times[name]!))]);
  const ratios = Object.keys(others).map((name) => {
    const to = `to${name[0]!.toUpperCase()}${name.slice(1)}`;
    return [to, median(rounds.map((times) => times["log"]! / times[name]!))];
  });
  return Object.fromEntries([...milliseconds, ...ratios]);
}

/** Prints what was measured, with three digits. */
function show(measured: object): void {
  const short = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(3)) : value);
  console.log(JSON.stringify({ server: version(), ...measured }, short));
}

const training = { ...everything, growth: null, infinite: 0 };

const usual = { training, updates: 1e6, workers: true, delay: 0, patience: 2000, stall: 5000 };

const parts = (role: Part["role"], port: number, run: string, count: number, more: Partial<Part> = {}) =>
  Array.from({ length: count }, () => new Process({ ...usual, role, port, run, ...more }));

function model(parameters: number, gradientDtype: Dtype) {
  const variable = new Variable(new Float32Array(parameters), { path: "w", gradientDtype });
  const optimizer = new RMSprop({ gradientAccumulationSteps: WORKERS });
  optimizer.build([variable]);
  return { variable, optimizer };
}

/** The same records over core NATS, requests of the same bytes, and JetStream that only stores them: one update of each. */
async function withoutLog(server: Server, subject: string, parameters: number, dtype: Dtype) {
  const { variable, optimizer } = model(parameters, dtype);
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
  const array = dtype === "float32" ? Float32Array : Uint16Array;
  const [valueBytes, gradientBytes] = [4 * parameters, array.BYTES_PER_ELEMENT * parameters];
  const connection = await server.connect();
  const workers = Array.from({ length: WORKERS }, (_, rank) => {
    return new Process({ port: server.port, rank, subject, valueBytes, gradientBytes, chunkBytes: CHUNK });
  });
  const gradients = workers.map((_, rank) => {
    const messages = connection.subscribe(`${subject}.g.${rank}`)[Symbol.asyncIterator]();
    return async () => {
      const whole = new Uint8Array(gradientBytes);
      for (let at = 0; at < gradientBytes; ) {
        const { value } = await messages.next();
        whole.set(value.data, at);
        at += value.data.length;
      }
      return new array(whole.buffer);
    };
  });
  const [stream, { streams }] = [jetstream(connection), await jetstreamManager(connection)];
  await streams.add({ name: `${subject}-v`, subjects: [`${subject}.s.*`], storage: "memory", max_msgs_per_subject: 1 });
  await streams.add({ name: `${subject}-g`, subjects: [`${subject}.s`], storage: "file", max_msgs: 64 });
  /** Acknowledged, as the log's are: each chunk of the values on a subject of its own. */
  const store = (bytes: Uint8Array, isValues: boolean) =>
    Promise.all(
      Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, i) =>
        stream.publish(`${subject}.s${isValues ? `.${i}` : ""}`, bytes.subarray(i * CHUNK, (i + 1) * CHUNK)),
      ),
    );
  // Core NATS drops what nobody has subscribed to yet.
  await Promise.all([connection.flush(), ...workers.map((worker) => worker.ready())]);
  return {
    async publish() {
      const values = bytesOf(variable.value).slice();
      for (let at = 0; at < valueBytes; at += CHUNK)
        connection.publish(`${subject}.v`, values.subarray(at, at + CHUNK));
      for (const gradient of await Promise.all(gradients.map((next) => next()))) optimizer.apply([gradient]);
    },
    async request() {
      const values = bytesOf(variable.value).slice();
      const ask = async (_: unknown, rank: number) => {
        const { data } = await connection.request(`${subject}.r.${rank}`, values, { timeout: 60_000 });
        return new array(new Uint8Array(data).buffer);
      };
      for (const gradient of await Promise.all(workers.map(ask))) optimizer.apply([gradient]);
    },
    async store() {
      await store(bytesOf(variable.value).slice(), true);
      await Promise.all(workers.map(() => store(new Uint8Array(gradientBytes), false)));
    },
    async free() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await connection.close();
    },
  };
}

const SETTINGS: [number, Dtype][] = isReal
  ? [
      [10_000, "float32"],
      [100_000, "float32"],
      [1_000_000, "float32"],
      [1_000_000, "bfloat16"],
    ]
  : [[10_000, "bfloat16"]];

it.each(SETTINGS)(
  "%i parameters, %s, beside core NATS",
  { timeout: 60_000 + 60_000 * ROUNDS },
  async (parameters, dtype) => {
    const server = await Server.start(() => "max_payload: 8MB");
    const { log, connection } = await server.log("speed");
    const { optimizer } = model(parameters, dtype);
    await log.create(save(optimizer), { unit: 0 });
    const workers = parts("worker", server.port, "speed", WORKERS);
    const core = await withoutLog(server, "core", parameters, dtype);
    const stop = new AbortController();
    const events = replicate(log, optimizer, { checkpointEvery: 1e6, span: 100, signal: stop.signal });
    const others = { core: core.publish, request: core.request, store: core.store };
    const effort = { warmUp: 3, updates: isReal ? 10 : 3 };
    const measured = await compared(() => nextUpdate(events), others, { ...effort, rounds: 4 * ROUNDS });
    show({ parameters, dtype, ...measured });
    expect(optimizer.iterations).toBeGreaterThan(3);
    stop.abort();
    await events.return();
    await Promise.all(workers.map((worker) => worker.stop()));
    await core.free();
    await connection.close();
    await server.free();
  },
);

it.each(SETTINGS)(
  "%i parameters, %s, each process replica and worker, beside core NATS",
  { timeout: 60_000 + 60_000 * ROUNDS },
  async (parameters, dtype) => {
    const server = await Server.start(() => "max_payload: 8MB");
    const { log, connection } = await server.log("peers");
    const options = { gradientAccumulationSteps: WORKERS };
    const told: Training = { ...training, options, lengths: [parameters], dtype };
    const { optimizer } = make(told);
    await log.create(save(optimizer), { unit: 0 });
    const schedule = { checkpointEvery: 1e6, span: 200 };
    // While the others are measured, it must not go on alone.
    const computing = { ...schedule, patience: 1e9, workers: false };
    const [other] = parts("peer", server.port, "peers", 1, { ...computing, training: told });
    const without = async (subject: string, isStored: boolean) => {
      const part = { port: server.port, subject, isStored, count: WORKERS, parameters, dtype, chunkBytes: CHUNK };
      // It listens before the other one publishes: core NATS drops what nobody has subscribed to yet.
      const update = await corePeer(connection, { ...part, rank: 0 });
      const child = new Process({ ...part, rank: 1 });
      await child.ready();
      return { child, update };
    };
    const [core, stored] = [await without("core", false), await without("stored", true)];
    let computed = 0;
    const compute = () => void computed++;
    const events = replicate(log, optimizer, { updates: 1e6, ...computing, compute });
    // Until each computes one unit of two.
    for (let before = -1; computed - before !== 50; ) {
      before = computed;
      for (let i = 0; i < 50; i++) await nextUpdate(events);
    }
    const others = { core: core.update, stored: stored.update };
    const effort = isReal ? { warmUp: 30, updates: 20 } : { warmUp: 3, updates: 3 };
    const measured = await compared(() => nextUpdate(events), others, { ...effort, rounds: 8 * ROUNDS });
    show({ parameters, dtype, ...measured });
    expect(optimizer.iterations).toBeGreaterThan(3);
    await events.return();
    await Promise.all([other!, core.child, stored.child].map((part) => part.stop()));
    await connection.close();
    await server.free();
  },
);

it.each([true, false])(
  "round trips of a slow network, workers: %s",
  { timeout: 60_000 + 60_000 * ROUNDS },
  async (workers) => {
    const server = await Server.start();
    const proxy = await TcpProxy.start(server.port, 10);
    const told = { ...training, options: { gradientAccumulationSteps: WORKERS } };
    const trained = make(told);
    const { log: near, connection: nearConnection } = await server.log("slow");
    await near.create(save(trained.optimizer), { unit: 0 });
    await nearConnection.close();
    const { log, connection } = await server.log("slow", {}, { servers: `127.0.0.1:${proxy.port}` });
    // Two processes compute: two workers beside this replica, or a peer and this one.
    const schedule = { checkpointEvery: 100, patience: 1e9, workers };
    const others = workers
      ? parts("worker", proxy.port, "slow", WORKERS)
      : parts("peer", proxy.port, "slow", WORKERS - 1, { ...schedule, training: told });
    const computing = workers ? {} : { ...schedule, compute() {} };
    const events = replicate(log, trained.optimizer, { updates: 1e6, ...computing });
    await Promise.all([timed(5, () => nextUpdate(events)), ...others.map((other) => other.ready())]);
    await timed(20, () => nextUpdate(events));
    const ratios: number[] = [];
    for (let i = 0; i < Math.max(1, 4 * ROUNDS); i++) {
      const wave = median(await timed(5, () => nextUpdate(events)));
      ratios.push(wave / median(await timed(5, () => connection.flush())));
    }
    show({ workers, waveInRoundTrips: median(ratios) });
    expect(ratios.length).toBeGreaterThan(0);
    await events.return();
    await Promise.all(others.map((other) => other.stop()));
    await connection.close();
    await proxy.free();
    await server.free();
  },
);

it("the death of one of two replicas, and of the server", { timeout: 60_000 + 120_000 * ROUNDS }, async () => {
  const server = await Server.start();
  const trained = make(training);
  const { log, connection } = await server.log("death");
  await log.create(save(trained.optimizer), { unit: 0 });
  const workers = parts("worker", server.port, "death", WORKERS, { delay: 10, patience: 1000, stall: 1000 });
  const [other] = parts("replica", server.port, "death", 1);
  await other!.ready();
  const stop = new AbortController();
  const events = replicate(log, trained.optimizer, { stall: 1000, checkpointEvery: 5, signal: stop.signal });
  const next = () => nextUpdate(events);
  const undisturbed = await timed(isReal ? 300 : 10, next);
  const usualMs = median(undisturbed);
  // The longest of ten updates in which nobody dies, to compare with.
  const calm = Array.from({ length: undisturbed.length / 10 }, (_, i) => {
    return Math.max(...undisturbed.slice(10 * i, 10 * i + 10)) / usualMs;
  });
  const longest = async () => Math.max(...(await timed(10, next))) / usualMs;
  const [replicaGaps, restartGaps, serverGaps]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < Math.max(1, 8 * ROUNDS); i++) {
    // What its death costs; and then what it costs that a process starts on the same cores.
    const died = longest();
    other!.kill(died);
    replicaGaps.push(await died);
    restartGaps.push(await longest());
    await timed(60, next);
  }
  for (let i = 0; i < Math.max(1, 2 * ROUNDS); i++) {
    await server.kill();
    const died = performance.now();
    const restarting = sleep(300).then(() => server.start());
    const gap = Math.max(...(await timed(10, next)));
    await restarting;
    serverGaps.push(gap - 300);
    await timed(20, next);
    expect(performance.now()).toBeGreaterThan(died);
  }
  show({
    updateMs: usualMs,
    nobody: median(calm),
    nobodyMax: Math.max(...calm),
    replica: median(replicaGaps),
    replicaMax: Math.max(...replicaGaps),
    restart: median(restartGaps),
    restartMax: Math.max(...restartGaps),
    serverMs: median(serverGaps),
    serverMaxMs: Math.max(...serverGaps),
  });
  stop.abort();
  await events.return();
  await Promise.all([...workers, other!].map((part) => part.stop()));
  await connection.close();
  await server.free();
});
