// The files that Keras saves models in, opened: the HDF5 inside, and what the file says about the model's optimizers.

import { type Attributes, type Hdf5File, readHdf5 } from "../formats/hdf5.js";
import { looksLikeHdf5 } from "../formats/hdf5-bytes.js";
import type { Dataset } from "../formats/hdf5-dataset.js";
import { parsePythonJson } from "../formats/python-json.js";
import { decodeUtf8 } from "../formats/utf8.js";
import { looksLikeZip, readZip } from "../formats/zip.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";

/** Names of files that an error shows. */
const SHOWN_FILES = 10;

/** A file of a model. */
export interface ModelFile extends Hdf5File {
  /** What the model was compiled with, by the arguments' names: `optimizer` and others. */
  readonly compiled: Readonly<Record<string, unknown>>;
  /** The version of Keras, `undefined` where the file does not say it. */
  readonly version: string | undefined;
  /** Whether it is an `.h5` of Keras 2's form, whose arrays have names. */
  readonly isNamed: boolean;
}

/** @throws {CheckpointError} if it is no file of Keras, or is broken. */
export function openModel(bytes: Uint8Array<ArrayBuffer>): ModelFile {
  if (looksLikeZip(bytes)) return openArchive(bytes);
  assertHdf5(bytes);
  return openHdf5(readHdf5(bytes));
}

/** A model whose weights Keras has divided among files (`max_shard_size` of `save_weights`), in their order. */
export function openShards(shards: readonly Uint8Array<ArrayBuffer>[]): ModelFile {
  const groups = new Map<string, Attributes>();
  const datasets = new Map<string, Dataset>();
  for (const bytes of shards) {
    assertHdf5(bytes);
    const shard = readHdf5(bytes);
    for (const [path, attributes] of shard.groups) {
      const before = groups.get(path);
      // Only the first file with a part of a group has its attributes.
      groups.set(path, before ? { get: (name) => before.get(name) ?? attributes.get(name) } : attributes);
    }
    for (const [path, dataset] of shard.datasets) {
      if (datasets.has(path))
        throw new CheckpointError(`Two files have an array ${show(path)}: they are of two models.`);
      datasets.set(path, dataset);
    }
  }
  return openHdf5({ groups, datasets });
}

function assertHdf5(bytes: Uint8Array<ArrayBuffer>): void {
  if (looksLikeHdf5(bytes)) return;
  const files = filesOfIndex(bytes);
  throw new CheckpointError(
    files
      ? `The file is an index (.weights.json), which holds no weights: give \`readKeras\` a list of the content of its files: ${files}.`
      : "The file is neither an archive (.keras) nor HDF5 (.weights.h5, .h5).",
  );
}

function openHdf5(file: Hdf5File): ModelFile {
  const root = file.groups.get("");
  const text = (name: string) => {
    const value = root?.get(name) ?? file.groups.get("model_weights")?.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const training = text("training_config");
  const { optimizer_config: optimizer } = training === undefined ? {} : parsedObject("training_config", () => training);
  const isNamed =
    file.groups.has("model_weights") || (root?.get("layer_names") ?? root?.get("layer_names0")) !== undefined;
  return { ...file, compiled: { optimizer }, version: text("keras_version"), isNamed };
}

function openArchive(bytes: Uint8Array<ArrayBuffer>): ModelFile {
  const members = readZip(bytes);
  const member = (name: string) => {
    const content = members.get(name);
    if (!content) throw new CheckpointError(`The archive has no ${show(name)}: it is no .keras file of Keras 3.`);
    return content as Uint8Array<ArrayBuffer>;
  };
  const { compile_config: compiled } = parsedObject("config.json", () => decodeUtf8(member("config.json")));
  const about = members.get("metadata.json");
  const { keras_version: version } = about ? parsedObject("metadata.json", () => decodeUtf8(about)) : {};
  return {
    ...readHdf5(member("model.weights.h5")),
    compiled: isObject(compiled) ? compiled : {},
    version: typeof version === "string" ? version : undefined,
    isNamed: false,
  };
}

/** The names of the files that an index lists; `undefined` if it is none. */
function filesOfIndex(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  try {
    const { weight_map: map } = parsedObject("The file", () => decodeUtf8(bytes));
    if (!isObject(map)) return undefined;
    const names = new Set(Object.values(map).flat());
    return Array.from(names, (name) => show(name))
      .slice(0, SHOWN_FILES)
      .join(", ")
      .concat(names.size > SHOWN_FILES ? ` and ${names.size - SHOWN_FILES} more` : "");
  } catch {
    return undefined;
  }
}

/** The object that a text of JSON is; `what` names it in messages. */
export function parsedObject(what: string, text: () => string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parsePythonJson(text());
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`${what} is not JSON: ${cause}`, { cause });
  }
  if (isObject(value)) return value;
  throw new CheckpointError(`${what} must be an object; it is ${show(value)}.`);
}

/** Whether it is an object with keys. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The texts of an attribute, which Keras cuts into several if it is long. */
export function textsOf(file: Hdf5File, group: string, name: string): readonly string[] {
  const attributes = file.groups.get(group);
  const whole = attributes?.get(name);
  if (Array.isArray(whole)) return whole;
  const texts: string[] = [];
  for (let i = 0; ; i++) {
    const part = attributes?.get(`${name}${i}`);
    if (!Array.isArray(part)) return texts;
    for (const text of part) texts.push(text);
  }
}
