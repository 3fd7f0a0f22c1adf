import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";

globalThis.report = JSON.stringify(suite(rmsprop));
