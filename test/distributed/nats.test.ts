// The log on a real server: the bits of one process through what can happen to it.
import type { NatsConnection } from "@nats-io/nats-core";
import { save } from "rmsprop-wasm/checkpoint";
import { replicate, work } from "rmsprop-wasm/distributed";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Server, version } from "./server.js";
import { compute, drained, everything, make, OneProcess, stateOf, type Trained, type Training } from "./support.js";

let server: Server;
beforeAll(async () => {
  console.log(version());
  server = await Server.start();
});
afterAll(() => server.free());

const connections: NatsConnection[] = [];
let runs = 0;

/** A run with workers, which ends with `end`. */
async function newRun(training: Training, options: Parameters<Server["log"]>[1] = {}, workers = 2) {
  const run = `run${++runs}`;
  const first = make(training);
  const { log, connection, manager } = await server.log(run, options);
  expect(await log.create(save(first.optimizer), { unit: 0 })).toBe(true);
  connections.push(connection);
  const stop = new AbortController();
  const working = Array.from({ length: workers }, async () => {
    const { log, connection } = await server.log(run, options);
    try {
      return await work(log, (unit) => compute(training, unit), { patience: 500, signal: stop.signal });
    } finally {
      await connection.close();
    }
  });
  return {
    ...{ run, first, log, manager, connection },
    end: async () => {
      stop.abort();
      const counts = await Promise.all(working);
      await connection.close();
      return counts;
    },
  };
}

/** A comparison with one process after every update. */
function judge(training: Training, trained: Trained) {
  const one = new OneProcess(training);
  return ({ type, units }: { readonly type: string; readonly units: number }) => {
    if (type === "update" || type === "skip" || type === "join") {
      if (units < one.units) return;
      expect(stateOf(trained)).toBe(one.until(units).state);
    }
  };
}

it("every update has the bits of one process, in half precision too", async () => {
  for (const dtype of ["float32", "bfloat16"] as const) {
    const training = { ...everything, dtype };
    const { log, first, end } = await newRun(training);
    const { events, error } = await drained(
      replicate(log, first.optimizer, { updates: 30, checkpointEvery: 7, stall: 1000 }),
      judge(training, first),
    );
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "end", iterations: 30 });
    await end();
  }
});
