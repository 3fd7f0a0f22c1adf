import * as rmsprop from "rmsprop-wasm/slim";
import { suite } from "./suite.js";

globalThis.report = rmsprop.init(fetch("rmsprop-wasm/rmsprop.wasm")).then(() => JSON.stringify(suite(rmsprop)));
