// Tickets: a work queue that all workers share.

import { onAbort, type Signal, sleep, within } from "../host.js";
import type { Ticket } from "../log.js";
import type { NatsConsumer, NatsJetStream, NatsManager, NatsMessage } from "./client.js";
import type { Questions } from "./questions.js";
import { existsAlready } from "./server-errors.js";

/** The durable consumer that workers share. */
export const WORKERS = "workers";

/** Milliseconds after which the server answers a pull, with a ticket or without. */
const EXPIRES = 2000;

/** The stream of tickets, and what reading it needs. */
export interface Queue {
  readonly questions: Questions;
  readonly jetstream: NatsJetStream;
  readonly manager: NatsManager;
  readonly stream: string;
  /** Since when taking fails; throws if that is for too long. */
  failed(since: number | undefined, error: unknown): number;
}

/** Tickets for one worker, for ever. One that is not acknowledged within `patience` ms goes to another worker. */
export async function* takeTickets(queue: Queue, patience: number, signal: Signal): AsyncGenerator<Ticket, void, void> {
  const { questions, jetstream, manager, stream } = queue;
  const config = {
    durable_name: WORKERS,
    ack_policy: "explicit",
    ack_wait: patience * 1e6,
    max_ack_pending: 10_000,
  } as const;
  for (let failing: number | undefined; !signal.aborted; ) {
    try {
      await questions
        .ask(() => manager.consumers.add(stream, config))
        .catch((error) => {
          if (!existsAlready(error)) throw error;
        });
      const consumer = await questions.ask(() => jetstream.consumers.get(stream, WORKERS));
      for (;;) {
        const ticket = await pull(questions, consumer, signal);
        failing = undefined;
        if (signal.aborted) break;
        if (ticket) yield { bytes: ticket.data, ack: () => ticket.ack() };
        // No ticket, or no server: a question tells which.
        else await questions.ask(() => consumer.info());
      }
    } catch (error) {
      failing = queue.failed(failing, error);
      await sleep(100);
    }
  }
}

/** A ticket, or nothing for a while. Nobody answers a pull under way when the server dies, so a reconnect ends it too. */
async function pull(questions: Questions, consumer: NatsConsumer, signal: Signal): Promise<NatsMessage | null> {
  if (signal.aborted) return null;
  let isOver = false;
  let cancels: (() => void)[] = [];
  const lost = new Promise<null>((resolve) => {
    const stop = () => resolve(null);
    cancels = [questions.onReconnect(stop), onAbort(signal, stop)];
  });
  const pulled = consumer.next({ expires: EXPIRES });
  pulled.then(
    (late) => isOver && late?.nak(),
    () => {},
  );
  try {
    return await within(2 * EXPIRES, Promise.race([pulled, lost]), () => null);
  } finally {
    isOver = true;
    for (const cancel of cancels) cancel();
  }
}
