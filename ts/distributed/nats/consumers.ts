// Messages of a stream in order, through consumers in the server's memory: one after the other, each until it is lost.

import { onAbort, type Signal, sleep } from "../host.js";
import type { NatsConsumer, NatsJetStream, NatsMessage, NatsMessages } from "./client.js";
import type { Questions } from "./questions.js";

/** Where a consumer begins. */
export type ConsumerOptions = Exclude<Parameters<NatsJetStream["consumers"]["get"]>[1], string>;

/** Messages that one consumer brings; `pending` were stored when it was made. */
type Messages = AsyncIterable<NatsMessage> & { readonly pending: number };

/**
 * Messages that are asked for ahead. They have up to 1 MiB each, and a server closes connections behind which more than 64 MB wait. (A
 * limit in bytes would make the client wait for a missed heartbeat wherever a message is larger than what is left of it.)
 */
const MESSAGES_AHEAD = 32;

/** Consumers in turn, each until the connection, the consumer or its stream is lost. */
export async function* consumers(
  questions: Questions,
  make: () => Promise<NatsConsumer>,
  failed: (since: number | undefined, error: unknown) => number,
  signal: Signal,
): AsyncGenerator<Messages, void, void> {
  for (let failing: number | undefined; !signal.aborted; ) {
    let messages: NatsMessages | undefined;
    const stop = () => messages?.stop();
    const cancels = [questions.onReconnect(stop), onAbort(signal, stop)];
    try {
      const consumer = await questions.ask(make);
      const { num_pending: pending } = await consumer.info(true);
      messages = await consumer.consume({ max_messages: MESSAGES_AHEAD, expires: 5000, idle_heartbeat: 1000 });
      stopWhenLost(messages);
      failing = undefined;
      if (signal.aborted) return;
      const all = messages;
      yield { pending, [Symbol.asyncIterator]: () => all[Symbol.asyncIterator]() };
    } catch (error) {
      failing = failed(failing, error);
      await sleep(100);
    } finally {
      for (const cancel of cancels) cancel();
      stop();
    }
  }
}

async function stopWhenLost(messages: NatsMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (/^(consumer_not_found|stream_not_found|consumer_deleted)$/.test(type)) messages.stop();
  }
}
