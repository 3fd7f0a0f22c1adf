// A module as a dedicated, a shared or a service worker.
import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";

const answer = ({ ports: [port] }) => port.postMessage(JSON.stringify(suite(rmsprop)));
addEventListener("message", answer);
addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = answer;
});
