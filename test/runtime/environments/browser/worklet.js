import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";

class Suite extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = ({ ports: [port] }) => port.postMessage(JSON.stringify(suite(rmsprop)));
  }

  process() {
    return true;
  }
}

registerProcessor("suite", Suite);
