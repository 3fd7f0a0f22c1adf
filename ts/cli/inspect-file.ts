// What is in a file: a checkpoint, another safetensors file, or a model of Keras.

import { inspect } from "../checkpoint/index.js";
import { readCheckpoint } from "../checkpoint/node.js";
import { looksLikeHdf5 } from "../formats/hdf5-bytes.js";
import { read } from "../formats/safetensors.js";
import { looksLikeZip } from "../formats/zip.js";
import { type KerasFile, readKeras } from "../keras/index.js";
import { kindOf } from "../support/messages.js";

/** @throws if there is no file, or if it is of no known kind, or broken. */
export async function inspectFile(path: string): Promise<object> {
  const bytes = await readCheckpoint(path);
  if (!bytes) throw new Error(`There is no file ${path}.`);
  if (looksLikeZip(bytes) || looksLikeHdf5(bytes)) return inspectModel(bytes);
  const { metadata, tensors } = read(bytes);
  if (metadata.get("format") === "rmsprop-wasm checkpoint") return inspectOurs(bytes);
  return {
    kind: "safetensors",
    bytes: bytes.length,
    checksum: "none: no checkpoint of rmsprop-wasm",
    metadata: Object.fromEntries(metadata),
    tensors: Array.from(tensors, ([name, { dtype, shape }]) => ({ path: name, dtype, shape })),
  };
}

function inspectOurs(bytes: Uint8Array): object {
  const { arrays, checksum, ...found } = inspect(bytes);
  return {
    kind: "checkpoint",
    bytes: bytes.length,
    checksum: `${checksum}, as computed`,
    ...found,
    arrays: Object.entries(arrays).map(([path, values]) => ({
      path,
      type: kindOf(values),
      length: values.length,
    })),
  };
}

function inspectModel(bytes: Uint8Array<ArrayBuffer>): object {
  const file = readKeras(bytes);
  return {
    kind: "keras",
    bytes: bytes.length,
    version: file.version ?? "not in the file",
    checksum: looksLikeZip(bytes) ? "those of the archive, as computed" : "none: HDF5",
    // Not every file says what its optimizer was, and not every optimizer is one of ours.
    optimizer: attempt(() => file.optimizer),
    state: attempt(() => stateOf(file)),
    optimizers: file.optimizers,
    weights: Array.from(file.weights, ([path, { shape, dtype, layer }]) => ({ path, layer, dtype, shape })),
  };
}

/** Counters and rates of the file's optimizer, those of the one inside a loss scale, and the kinds of state. */
function stateOf({ state }: KerasFile): object {
  if (!state) return { scalars: {}, slots: [] };
  const { scalars, inner, slots } = state;
  const numbers = (found: typeof scalars) =>
    Object.fromEntries(Array.from(found, ([name, { first }]) => [name, first]));
  return {
    scalars: numbers(scalars),
    ...(inner ? { inner: numbers(inner) } : {}),
    slots: Array.from(slots.keys()).filter((slot) => slots.get(slot)?.length),
  };
}

function attempt<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return (error as Error).message;
  }
}
