// A run between two visits: the checkpoint, and beside it the epochs so far, so that the plots go on too.

import { load, save } from "rmsprop-wasm/checkpoint";
import type { Training } from "../../../examples/digits/train.js";
import type { EpochReport } from "./messages.js";
import type { Store } from "./store.js";

const CHECKPOINT = "rmsprop-wasm-digits.safetensors";
const HISTORY = "rmsprop-wasm-digits.json";

interface History {
  readonly at: number;
  readonly reports: readonly EpochReport[];
}

/** Saves the run as it is now; when that was. */
export async function saveRun(store: Store, training: Training, reports: readonly EpochReport[]): Promise<number> {
  const bytes = save(training.optimizer);
  const at = Date.now();
  // The plots first: if the page ends in between, they know more epochs than the checkpoint, and the rest is cut off.
  await store.writeText(HISTORY, JSON.stringify({ at, reports } satisfies History));
  await store.writeCheckpoint(CHECKPOINT, bytes);
  return at;
}

/** Puts a saved run into a new training. `null`, and nothing changed, if there is none or it is not of this training. */
export async function loadRun(store: Store, training: Training): Promise<History | null> {
  const checkpoint = await store.readCheckpoint(CHECKPOINT);
  if (!checkpoint) return null;
  try {
    load(checkpoint, training.optimizer);
  } catch {
    return null; // of another version of this page
  }
  const epochs = training.optimizer.iterations / training.stepsPerEpoch;
  training.skip(epochs);
  const text = await store.readText(HISTORY);
  const history: History = text ? JSON.parse(text) : { at: 0, reports: [] };
  return { at: history.at, reports: history.reports.slice(0, epochs) };
}

export async function forgetRun(store: Store): Promise<void> {
  await store.remove(CHECKPOINT);
  await store.remove(HISTORY);
}
