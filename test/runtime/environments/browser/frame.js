import * as rmsprop from "rmsprop-wasm";
import { suite } from "./suite.js";

parent.postMessage(JSON.stringify(suite(rmsprop)), "*");
