// A process that computes and applies, without a log, to compare with: it publishes its gradient and applies those of all processes in
// order, over core NATS, or through a stream that JetStream stores.
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { RMSprop, Variable } from "rmsprop-wasm";
import type { Dtype } from "./gradients.js";

/** What it is told. */
export interface CorePeerPart {
  readonly port: number;
  /** The first part of all subjects, and the name of the stream. */
  readonly subject: string;
  readonly isStored: boolean;
  readonly rank: number;
  readonly count: number;
  readonly parameters: number;
  readonly dtype: Dtype;
  /** Bytes of a message. */
  readonly chunkBytes: number;
}

type Messages = AsyncIterator<{ readonly subject: string; readonly data: Uint8Array }>;

/** Everybody's messages from the stream, which is made if there is none. */
async function storedMessages(connection: NatsConnection, name: string): Promise<Messages> {
  const { streams } = await jetstreamManager(connection);
  await streams.add({ name, subjects: [`${name}.*`], storage: "file", max_msgs: 200 });
  const consumer = await jetstream(connection).consumers.get(name, { inactive_threshold: 60e9 });
  const messages = await consumer.consume({ max_messages: 32, expires: 5000, idle_heartbeat: 1000 });
  return messages[Symbol.asyncIterator]();
}

/** One update after the other, as far as all take part. */
export async function corePeer(connection: NatsConnection, part: CorePeerPart): Promise<() => Promise<void>> {
  const { subject, isStored, rank, count, parameters, dtype, chunkBytes } = part;
  const variable = new Variable(new Float32Array(parameters), { path: "w", gradientDtype: dtype });
  const optimizer = new RMSprop({ gradientAccumulationSteps: count });
  optimizer.build([variable]);
  const array = dtype === "float32" ? Float32Array : Uint16Array;
  const length = array.BYTES_PER_ELEMENT * parameters;
  const messages: Messages = isStored
    ? await storedMessages(connection, subject)
    : connection.subscribe(`${subject}.*`)[Symbol.asyncIterator]();
  await connection.flush();
  const stream = jetstream(connection);
  let storing: Promise<unknown> = Promise.resolve();
  const publish = (to: string, bytes: Uint8Array) =>
    isStored ? stream.publish(to, bytes, { retries: 0 }) : connection.publish(to, bytes);
  return async () => {
    const gradient = new Uint8Array(length);
    // As a log's writer, it knows that its gradient is stored before it writes the next one.
    await storing;
    const chunks = Array.from({ length: Math.ceil(length / chunkBytes) }, (_, i) => {
      return publish(`${subject}.${rank}`, gradient.subarray(i * chunkBytes, (i + 1) * chunkBytes));
    });
    storing = Promise.all(chunks);
    const wholes = Array.from({ length: count }, () => ({ bytes: new Uint8Array(length), at: 0 }));
    while (wholes.some(({ at }) => at < length)) {
      const { value } = await messages.next();
      const whole = wholes[Number(value.subject.slice(subject.length + 1))]!;
      whole.bytes.set(value.data, whole.at);
      whole.at += value.data.length;
    }
    for (const { bytes } of wholes) optimizer.apply([new array(bytes.buffer)]);
  };
}

const told = process.argv[2] ?? "";
if (told.includes('"isStored"')) {
  const part: CorePeerPart = JSON.parse(told);
  const update = await corePeer(await connect({ servers: `127.0.0.1:${part.port}` }), part);
  process.stdout.write("{}\n");
  for (;;) await update();
}
