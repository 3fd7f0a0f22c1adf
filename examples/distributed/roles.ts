// The parts of the run, each a process: who begins it, a replica, workers.

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { save } from "rmsprop-wasm/checkpoint";
import { LogChangedError, replicate, work } from "rmsprop-wasm/distributed";
import { natsLog } from "rmsprop-wasm/distributed/nats";
import { computeGradients, create, judge, UPDATES } from "./digits.js";

async function open(servers: string) {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const manager = await jetstreamManager(connection);
  const log = await natsLog({ connection, jetstream: jetstream(connection), manager, run: "digits" });
  return { connection, log };
}

/** Begins the run, unless it is there: a replica that is started again goes on. */
export async function begin(servers: string): Promise<void> {
  const { connection, log } = await open(servers);
  await log.create(save(create().optimizer), { unit: 0 });
  await connection.close();
}

export async function replica(servers: string, say: (text: string) => void): Promise<void> {
  const { connection, log } = await open(servers);
  const { optimizer, variables } = create();
  for (let isOver = false; !isOver; ) {
    try {
      for await (const { type, iterations, units } of replicate(log, optimizer, { updates: UPDATES })) {
        if (type === "update" ? iterations % 100 === 0 : type !== "checkpoint") {
          say(`${type} ${iterations} of ${UPDATES}, ${units} units: ${judge(variables)}`);
        }
      }
      isOver = true;
    } catch (error) {
      // The log is not the one that it was. To join what is there now is this program's decision.
      if (!(error instanceof LogChangedError)) throw error;
      say(error.message);
    }
  }
  await connection.close();
}

export async function worker(servers: string, say: (text: string) => void): Promise<void> {
  const { connection, log } = await open(servers);
  let count = 0;
  const compute = ({ unit, values, gradients }: Parameters<Parameters<typeof work>[1]>[0]) => {
    computeGradients(unit, values, gradients as Record<string, Float32Array>);
    count += 1;
    if (count % 500 === 0) say(`${count} units computed`);
  };
  say(`${await work(log, compute, { patience: 1000 })} gradients appended`);
  await connection.close();
}
