// A worker without a log, to compare with: it answers values with a gradient, over core NATS.
import { connect } from "@nats-io/transport-node";

/** What it is told. */
export interface CorePart {
  readonly port: number;
  readonly rank: number;
  readonly subject: string;
  /** Bytes of a record of values, and of one of gradients. */
  readonly valueBytes: number;
  readonly gradientBytes: number;
  /** Of a message. */
  readonly chunkBytes: number;
}

const { port, rank, subject, valueBytes, gradientBytes, chunkBytes }: CorePart = JSON.parse(process.argv[2]!);
const connection = await connect({ servers: `127.0.0.1:${port}` });
const gradient = new Uint8Array(gradientBytes);

// The same records as the log's: values once for all, in chunks; gradients in chunks.
const all = connection.subscribe(`${subject}.v`);
// Or request and reply, each in one message.
const own = connection.subscribe(`${subject}.r.${rank}`);
await connection.flush();
process.stdout.write("{}\n");

(async () => {
  for await (const message of own) message.respond(gradient);
})();

let [values, at] = [new Uint8Array(valueBytes), 0];
for await (const { data } of all) {
  values.set(data, at);
  at += data.length;
  if (at < valueBytes) continue;
  for (let from = 0; from < gradientBytes; from += chunkBytes) {
    connection.publish(`${subject}.g.${rank}`, gradient.subarray(from, from + chunkBytes));
  }
  [values, at] = [new Uint8Array(valueBytes), 0];
}
