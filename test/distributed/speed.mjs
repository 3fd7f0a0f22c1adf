// By hand: node test/distributed/speed.mjs [updates]. How long an update takes over the log, beside the same bytes over core NATS
// without a log, interleaved; medians and their ratio. Two workers and two units an update; gradients cost nothing.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { RMSprop, Variable } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { replicate, work } from "rmsprop-wasm/distributed";
import { natsLog } from "rmsprop-wasm/distributed/nats";

const PORT = 14_811;
const UNITS = 2;
const CHUNK = 2 ** 20 - 2048;

async function open(run) {
  const connection = await connect({ servers: `127.0.0.1:${PORT}` });
  const manager = await jetstreamManager(connection);
  return { connection, log: await natsLog({ connection, jetstream: jetstream(connection), manager, run }) };
}

/** A subscription whose messages of `bytes` in all are one record. */
async function* records(connection, subject, bytes) {
  let [whole, at] = [new Uint8Array(bytes), 0];
  for await (const { data, reply } of connection.subscribe(subject)) {
    whole.set(data, at);
    at += data.length;
    if (at < bytes) continue;
    yield { whole, reply };
    [whole, at] = [new Uint8Array(bytes), 0];
  }
}

function send(connection, subject, bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) connection.publish(subject, bytes.subarray(at, at + CHUNK));
}

if (!isMainThread) {
  const { kind, run, rank, valueBytes, gradientBytes } = workerData;
  if (kind === "log") {
    const { log, connection } = await open(run);
    await work(log, () => {});
    await connection.close();
  } else {
    const connection = await connect({ servers: `127.0.0.1:${PORT}` });
    const gradient = new Uint8Array(gradientBytes);
    for await (const _ of records(connection, `${run}.v`, valueBytes)) send(connection, `${run}.g.${rank}`, gradient);
  }
} else {
  const updates = Number(process.argv[2] ?? 40);
  const folder = mkdtempSync(join(tmpdir(), "rmsprop-speed-"));
  const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", `${PORT}`, "-js", "-sd", folder], { stdio: "ignore" });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  let runs = 0;

  const setting = (parameters, gradientDtype) => {
    const variable = new Variable(new Float32Array(parameters), { path: "w", gradientDtype });
    const optimizer = new RMSprop({ gradientAccumulationSteps: UNITS });
    optimizer.build([variable]);
    return { variable, optimizer, valueBytes: 4 * parameters, gradientBytes: variable.gradient.byteLength };
  };
  const start = (data) =>
    Array.from({ length: UNITS }, (_, rank) => {
      return new Worker(fileURLToPath(import.meta.url), { workerData: { ...data, rank } });
    });

  async function overLog(parameters, dtype) {
    const run = `speed${++runs}`;
    const { optimizer } = setting(parameters, dtype);
    const { log, connection } = await open(run);
    await log.create(save(optimizer), { unit: 0 });
    const workers = start({ kind: "log", run });
    const times = [];
    for await (const { type } of replicate(log, optimizer, { updates, checkpointEvery: 1e6, span: 1e6 })) {
      if (type === "update") times.push(performance.now());
    }
    for (const worker of workers) await worker.terminate();
    await connection.close();
    optimizer.free();
    return median(times.slice(5).map((time, i) => time - times[i + 4]));
  }

  async function withoutLog(parameters, dtype) {
    const run = `speed${++runs}`;
    const { variable, optimizer, valueBytes, gradientBytes } = setting(parameters, dtype);
    const workers = start({ kind: "core", run, valueBytes, gradientBytes });
    const connection = await connect({ servers: `127.0.0.1:${PORT}` });
    const gradients = workers.map((_, rank) => records(connection, `${run}.g.${rank}`, gradientBytes));
    await connection.flush();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const array = dtype === "float32" ? Float32Array : Uint16Array;
    const times = [];
    for (let update = 0; update < updates; update++) {
      const { buffer, byteOffset, byteLength } = variable.value;
      send(connection, `${run}.v`, new Uint8Array(buffer, byteOffset, byteLength).slice());
      for (const { value } of await Promise.all(gradients.map((each) => each.next()))) {
        optimizer.apply([new array(value.whole.buffer)]);
      }
      times.push(performance.now());
    }
    for (const worker of workers) await worker.terminate();
    await connection.close();
    optimizer.free();
    return median(times.slice(5).map((time, i) => time - times[i + 4]));
  }

  for (const [parameters, dtype] of [
    [10_000, "float32"],
    [100_000, "float32"],
    [1_000_000, "float32"],
    [1_000_000, "bfloat16"],
  ]) {
    const rounds = [];
    for (let round = 0; round < 5; round++) {
      rounds.push([await overLog(parameters, dtype), await withoutLog(parameters, dtype)]);
    }
    const [log, core] = [0, 1].map((i) => median(rounds.map((round) => round[i])));
    const ratio = median(rounds.map(([a, b]) => a / b));
    console.log(
      `${parameters} ${dtype}: log ${log.toFixed(1)} ms, core ${core.toFixed(1)} ms, ratio ${ratio.toFixed(2)}`,
    );
  }
  server.kill();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
