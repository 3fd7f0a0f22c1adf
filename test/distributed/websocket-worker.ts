// A worker over WebSocket, for Deno, Bun and browsers' pages. It is told what to do by its last argument, or by the page's address.
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { wsconnect } from "@nats-io/nats-core";
import { work } from "rmsprop-wasm/distributed";
import { natsLog } from "rmsprop-wasm/distributed/nats";
import { compute, type Gradients } from "./gradients.js";

/** What it is told. */
export interface WebSocketPart {
  /** Of the server: ws://… */
  readonly address: string;
  readonly run: string;
  readonly gradients: Gradients;
  /** Milliseconds that a unit takes. */
  readonly delay: number;
  readonly patience: number;
}

/** What it leaves for whoever looks at the page. */
interface Told {
  /** Units whose computing has begun. */
  units: number;
  /** Gradients appended, when the run is over; or what went wrong. */
  report: number | string | undefined;
}

interface Host {
  readonly location?: { readonly hash: string };
  readonly process?: { readonly argv: readonly string[] };
}

const { location, process } = globalThis as Host;
const told = globalThis as unknown as Told;
const { address, run, gradients, delay, patience }: WebSocketPart = JSON.parse(
  location?.hash ? decodeURIComponent(location.hash.slice(1)) : process!.argv.at(-1)!,
);

told.units = 0;
try {
  const connection = await wsconnect({ servers: address });
  const manager = await jetstreamManager(connection);
  const log = await natsLog({ connection, jetstream: jetstream(connection), manager, run });
  const appended = await work(
    log,
    async (unit) => {
      told.units += 1;
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      compute(gradients, unit);
    },
    { patience },
  );
  await connection.close();
  told.report = appended;
} catch (error) {
  told.report = String((error as Error).stack ?? error);
}
console.log(told.report);
