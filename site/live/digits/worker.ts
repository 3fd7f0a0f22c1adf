// The training of `npm start` in a worker: epoch by epoch at a pace one can watch, saved after each.

import { createRuntime } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import type { Example } from "../../../examples/digits/data.js";
import { defaults, Training } from "../../../examples/digits/train.js";
import { hex } from "../parts/format.js";
import { readExamples } from "./data.js";
import type { EpochReport, FromWorker, ToWorker } from "./messages.js";
import { forgetRun, loadRun, saveRun } from "./saved-run.js";
import { createMemoryStore, openStore, type Store } from "./store.js";

const SAMPLES = 24;

const runtime = createRuntime();
let examples: readonly Example[];
let store: Store;
let training: Training;
let reports: EpochReport[] = [];
let epochsPerSecond = 0;
/** The training under way, until it pauses or is done. */
let underWay: Promise<void> | undefined;
/** Ends the wait between two epochs. */
let interrupt = () => {};

const tell = (message: FromWorker) => postMessage(message);
const samples = () => training.heldOut.slice(0, SAMPLES);
const guesses = () => samples().map(({ pixels }) => training.network.forward(pixels));

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  answer(data).catch((error: unknown) => tell({ kind: "failed", reason: String(error) }));
});

async function answer(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "open":
      return open(message.data);
    case "go":
      return go(message.epochsPerSecond);
    case "pause":
      return pause();
    case "save":
      return keep();
    case "forget":
      return forget();
    case "export":
      return tell({ kind: "file", bytes: save(training.optimizer) });
  }
}

async function open(data: ArrayBuffer): Promise<void> {
  examples = await readExamples(data);
  store = (await isAlone()) ? await openStore() : createMemoryStore();
  training = new Training(examples, defaults, { runtime });
  const saved = await loadRun(store, training);
  reports = [...(saved?.reports ?? [])];
  tell({
    kind: "ready",
    backend: runtime.backend,
    storage: store.name,
    epochs: defaults.epochs,
    stepsPerEpoch: training.stepsPerEpoch,
    samples: { pixels: samples().map(({ pixels }) => pixels), digits: samples().map(({ digit }) => digit) },
    history: reports,
    savedAt: saved?.at ?? null,
    guesses: guesses(),
  });
  if (training.isDone) finish();
}

/** Whether no other tab keeps its run in the same files. The lock is held as long as this worker lives. */
async function isAlone(): Promise<boolean> {
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    void navigator.locks.request("rmsprop-wasm-digits", { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    });
  });
}

/** Trains until it is done or paused; at another pace if it does already. */
async function go(pace: number): Promise<void> {
  epochsPerSecond = pace;
  interrupt();
  underWay ??= run().finally(() => {
    underWay = undefined;
  });
  return underWay;
}

async function pause(): Promise<void> {
  epochsPerSecond = 0;
  interrupt();
  await underWay;
}

async function run(): Promise<void> {
  while (epochsPerSecond > 0 && !training.isDone) {
    const started = performance.now();
    const { epoch, loss } = training.runEpoch();
    const time = performance.now() - started;
    const report = { epoch, loss, accuracy: training.correct / training.heldOut.length };
    reports.push(report);
    tell({ kind: "epoch", report, guesses: guesses(), time });
    // As fast as it can: saved at the end. A run takes less time than forty files.
    if (Number.isFinite(epochsPerSecond)) await keep();
    await wait(1000 / epochsPerSecond - (performance.now() - started));
  }
  await keep();
  if (training.isDone) finish();
  else tell({ kind: "paused" });
}

/** Waits, and lets messages in, even for no time at all. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    interrupt = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Saves. That it cannot is said, and the training goes on: the page still has what it learned. */
async function keep(): Promise<void> {
  try {
    const { epoch } = training;
    tell({ kind: "saved", at: await saveRun(store, training, reports), epoch });
  } catch (error) {
    tell({ kind: "not saved", reason: String(error) });
  }
}

function finish(): void {
  const { checksum, correct, tested } = training.finish();
  tell({ kind: "done", checksum: hex(checksum), correct, tested, guesses: guesses() });
}

async function forget(): Promise<void> {
  await pause();
  await forgetRun(store);
  training.free();
  training = new Training(examples, defaults, { runtime });
  reports = [];
  tell({ kind: "forgotten" });
}
