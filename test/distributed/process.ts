// One part of a run as a process of its own, which a test can kill: a replica that tells each state's hash, a worker, or a peer, which
// is both.
import { createHash } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { save } from "rmsprop-wasm/checkpoint";
import { LogChangedError, NoRunError, replicate, type Unit, work } from "rmsprop-wasm/distributed";
import { natsLog } from "rmsprop-wasm/distributed/nats";
import { compute, make, stateOf, type Training } from "./support.js";

/** What a part is told. */
export interface Part {
  readonly role: "replica" | "worker" | "peer";
  /** Whether the run has workers that are no replicas. */
  readonly workers: boolean;
  readonly port: number;
  readonly run: string;
  readonly training: Training;
  readonly updates: number;
  /** Milliseconds that a unit takes; 0: gradients are not computed at all, and nothing is told of updates. */
  readonly delay: number;
  readonly patience: number;
  readonly stall: number;
  readonly checkpointEvery?: number;
  readonly span?: number;
}

const part: Part = JSON.parse(process.argv[2]!);
const connection = await connect({
  servers: `127.0.0.1:${part.port}`,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
  reconnectJitter: 20,
  waitOnFirstConnect: true,
  pingInterval: 2000,
  maxPingOut: 2,
});

/** A server that was killed a moment ago has no JetStream yet. */
async function manager() {
  for (let tries = 0; ; tries++) {
    try {
      return await jetstreamManager(connection, { timeout: 2000 });
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const log = await natsLog({
  ...{ connection, jetstream: jetstream(connection, { timeout: 2000 }), manager: await manager(), run: part.run },
});

async function computeUnit(unit: Unit): Promise<void> {
  if (part.delay === 0) return;
  await new Promise((resolve) => setTimeout(resolve, part.delay * (0.5 + Math.random())));
  compute(part.training, unit);
}

const { patience, workers } = part;
if (part.role === "worker") {
  process.stdout.write('{"type":"ready"}\n');
  await work(log, computeUnit, { patience });
} else {
  const trained = make(part.training);
  // Of the last event, to begin the run again from if the server loses its log.
  let kept: { readonly bytes: Uint8Array; readonly unit: number } | undefined;
  for (let tries = 0; ; tries++) {
    try {
      const computing = part.role === "peer" ? { compute: computeUnit, patience } : {};
      const { updates, checkpointEvery = 5, span, stall } = part;
      const options = { updates, checkpointEvery, span, stall, stallLimit: 60, workers };
      for await (const event of replicate(log, trained.optimizer, { ...options, ...computing })) {
        if (part.delay === 0 && event.type === "update") continue;
        tries = 0;
        kept = { bytes: save(trained.optimizer), unit: event.units };
        const hash = createHash("sha256").update(stateOf(trained)).digest("hex");
        process.stdout.write(`${JSON.stringify({ ...event, hash, at: Date.now() })}\n`);
      }
      break;
    } catch (error) {
      const isLost = error instanceof NoRunError;
      if (!(error instanceof LogChangedError || (isLost && tries < 50))) throw error;
      process.stdout.write(`${JSON.stringify({ type: error.name })}\n`);
      if (!isLost) continue;
      // Whoever was killed meanwhile has nothing to begin from, and waits for another one.
      if (kept) await log.create(kept.bytes, { unit: kept.unit });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
await connection.close();
