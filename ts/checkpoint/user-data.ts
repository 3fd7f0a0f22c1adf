// The user's own texts and arrays in a checkpoint: the metadata `metadata/<name>`, the tensors `arrays/<name>`, and in the
// metadata `arrays` the list of the latter, because a variable's path may begin like that too.

import { File, type Tensor } from "../formats/safetensors.js";
import { dtypeOf, type Values } from "../formats/typed-values.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { arrayBuffer, isDetached } from "../support/typed-array.js";
import { parsedJson } from "./parsed-json.js";

/** Data of yours in a checkpoint. */
export interface UserData {
  /** Texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Typed arrays by name. */
  readonly arrays: Readonly<Record<string, Values>>;
}

const LIST = "arrays";
const METADATA = "metadata/";
const ARRAYS = "arrays/";

/** The data that `save` was given, as metadata and tensors of the file. */
export function encodeUserData(options: Record<string, unknown>): {
  metadata: Record<string, string>;
  tensors: Map<string, Tensor>;
} {
  const texts = Object.entries(checkedObject("metadata", option(options, "metadata") ?? {}));
  const arrays = Object.entries(checkedObject("arrays", option(options, "arrays") ?? {}));
  for (const [name, text] of texts) {
    if (typeof text !== "string") throw new TypeError(message(`metadata["${name}"]`, "a string", text));
  }
  for (const [name, values] of arrays) {
    if (dtypeOf(values) === undefined || isDetached(arrayBuffer(values))) {
      throw new TypeError(message(`arrays["${name}"]`, "a typed array of numbers", values));
    }
  }
  const metadata = Object.fromEntries(texts.map(([name, text]) => [METADATA + name, text as string]));
  if (arrays.length > 0) metadata[LIST] = JSON.stringify(arrays.map(([name]) => name));
  const tensors = new Map(
    arrays.map(([name, array]) => {
      const values = array as Values;
      return [ARRAYS + name, { shape: [values.length], values }];
    }),
  );
  return { metadata, tensors };
}

/** The user's data in a file, whose arrays are copies, and the texts and tensors that are not the user's. */
export function decodeUserData(file: File): {
  userData: UserData;
  texts: readonly (readonly [name: string, text: string])[];
  state: File;
} {
  const names = parsedJson(LIST, file.metadata.get(LIST), "[]", isNames, "a list of names");
  const metadata: [string, string][] = [];
  const texts: [string, string][] = [];
  for (const [key, text] of file.metadata) {
    if (key.startsWith(METADATA)) metadata.push([key.slice(METADATA.length), text]);
    else if (key !== LIST) texts.push([key, text]);
  }
  const arrays = names.map((name): [string, Values] => {
    const values = file.tensors.get(ARRAYS + name)?.values;
    if (values) return [name, values.slice()];
    throw new CheckpointError(`The checkpoint's array ${show(name)} is not in it as it was saved.`);
  });
  const own = new Set(names.map((name) => ARRAYS + name));
  if (own.size < names.length) throw new CheckpointError("The checkpoint lists an array twice.");
  return {
    userData: { metadata: Object.fromEntries(metadata), arrays: Object.fromEntries(arrays) },
    texts,
    state: own.size > 0 ? new File(file.metadata, withoutNames(file.list, own)) : file,
  };
}

const withoutNames = (list: File["list"], names: ReadonlySet<string>) => list.filter(({ name }) => !names.has(name));

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");
