// The worker on a page, which main.ts serves: whoever opens it computes with the others, over WebSocket.

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { wsconnect } from "@nats-io/nats-core";
import { natsLog } from "rmsprop-wasm/distributed/nats";
import { Digits } from "./digits.js";
import { workOn } from "./worker.js";

declare const document: { readonly body: { append(text: string): void } };
declare const location: { readonly hash: string; readonly hostname: string };

const data = (await fetch("digits.csv.gz")).body!.pipeThrough(new DecompressionStream("gzip"));
const digits = new Digits(await new Response(data).text());
const connection = await wsconnect({ servers: `ws://${location.hostname}:${location.hash.slice(1)}` });
const manager = await jetstreamManager(connection);
const log = await natsLog({ connection, jetstream: jetstream(connection), manager, run: "digits" });
document.body.append("This page computes. ");
await workOn(log, digits, (text) => document.body.append(`${text}. `));
await connection.close();
