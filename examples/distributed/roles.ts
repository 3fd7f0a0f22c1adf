// The parts of the run, each a process: who begins it, a replica, workers, or peers, which are both.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { save } from "rmsprop-wasm/checkpoint";
import { LogChangedError, type ReplicateOptions, replicate } from "rmsprop-wasm/distributed";
import { natsLog } from "rmsprop-wasm/distributed/nats";
import { create, Digits, UPDATES } from "./digits.js";
import { computing, workOn } from "./worker.js";

export const DATA: URL = new URL("../../../examples/digits/digits.csv.gz", import.meta.url);
export const readDigits = (): Digits => new Digits(gunzipSync(readFileSync(DATA)).toString());

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

export async function replica(
  servers: string,
  say: (text: string) => void,
  more: ReplicateOptions = {},
): Promise<void> {
  const { connection, log } = await open(servers);
  const [digits, { optimizer, variables }] = [readDigits(), create()];
  const options = { ...more, updates: UPDATES };
  for (let isOver = false; !isOver; ) {
    try {
      for await (const { type, iterations, units } of replicate(log, optimizer, options)) {
        if (type === "update" ? iterations % 100 === 0 : type !== "checkpoint") {
          say(`${type} ${iterations} of ${UPDATES}, ${units} units: ${digits.judge(variables)}`);
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

/** A replica that computes. All parts of the run must be peers then. */
export async function peer(servers: string, say: (text: string) => void): Promise<void> {
  const compute = computing(readDigits());
  await replica(servers, say, { compute, patience: 1000, stall: 3000, workers: false });
}

export async function worker(servers: string, say: (text: string) => void): Promise<void> {
  const { connection, log } = await open(servers);
  await workOn(log, readDigits(), say);
  await connection.close();
}
