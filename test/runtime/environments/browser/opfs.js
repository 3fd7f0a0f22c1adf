// Checkpoints in the origin private file system: of the page, and of workers that are terminated while they save.
import * as rmsprop from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as opfs from "rmsprop-wasm/checkpoint/opfs";
import { storage } from "./storage.js";
import { suite } from "./suite.js";

const { RMSprop, Variable } = rmsprop;

/** Lets a worker train and save, and terminates it `after` milliseconds of that; the step it said was saved last. */
function lifeOf(after) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("opfs-worker.js", { type: "module" });
    let saved;
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }) => {
      if (saved === undefined) {
        setTimeout(() => {
          worker.terminate();
          resolve(saved);
        }, after);
      }
      saved = data;
    };
  });
}

async function stepInFile() {
  const bytes = await opfs.readCheckpoint("run");
  if (!bytes) return 0;
  const optimizer = new RMSprop({ momentum: 0.9 });
  optimizer.build([new Variable(new Float32Array(20_000), { name: "w" })]);
  checkpoint.load(bytes, optimizer);
  const { rawIterations } = optimizer;
  optimizer.free();
  return rawIterations;
}

async function terminated() {
  try {
    for (let i = 0; i < 8; i++) {
      const saved = await lifeOf((i * 7.3) % 61);
      const found = await stepInFile();
      // What was under way when the worker ended may have been done.
      if (found !== saved && found !== saved + 1) throw new Error(`step ${saved} was saved, ${found} is in the file`);
    }
    return { name: "terminated workers", ok: true };
  } catch (error) {
    return { name: "terminated workers", ok: false, detail: String(error) };
  }
}

const report = suite(rmsprop);
report.results.push(await storage(rmsprop, checkpoint, opfs, "page"), await terminated());
globalThis.report = JSON.stringify(report);
