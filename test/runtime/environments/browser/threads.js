import * as rmsprop from "rmsprop-wasm";
import * as threads from "rmsprop-wasm/threads";
import { threadedReport } from "./threads-suite.js";

const query = new URLSearchParams(location.search);
// With a policy that forbids scripts out of a Blob: the package's file.
const worker = query.has("file") ? () => new Worker("rmsprop-wasm/threads-worker.js") : undefined;
threadedReport(rmsprop, threads, Number(query.get("threads")), worker).then((report) => {
  globalThis.report = JSON.stringify(report);
});
