// The user's own texts and arrays in a checkpoint: the metadata `metadata/<name>`, the tensors `arrays/<name>`, and in the
// metadata `arrays` the list of the latter, because a variable's path may begin like that too.

import type { StoredTensor, Tensor } from "../formats/safetensors.js";
import { dtypeOf, type Values } from "../formats/typed-values.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { arrayBuffer, isDetached } from "../support/typed-array.js";

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

/** The user's data in a file, and what is left of the file without them. The arrays are copies. */
export function decodeUserData(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, StoredTensor>,
): { userData: UserData; metadata: Map<string, string>; tensors: ReadonlyMap<string, StoredTensor> } {
  const texts = [...metadata].filter(([key]) => key.startsWith(METADATA));
  const names = listed(metadata.get(LIST));
  // A million tensors are not copied for nothing.
  const rest = names.length > 0 ? new Map(tensors) : undefined;
  const arrays = names.map((name): [string, Values] => {
    const tensor = rest?.get(ARRAYS + name);
    const values = tensor?.values;
    if (!values) throw new CheckpointError(`The checkpoint's array ${show(name)} is not in it as it was saved.`);
    rest?.delete(ARRAYS + name);
    return [name, values.slice()];
  });
  return {
    userData: {
      metadata: Object.fromEntries(texts.map(([key, text]) => [key.slice(METADATA.length), text])),
      arrays: Object.fromEntries(arrays),
    },
    metadata: new Map([...metadata].filter(([key]) => key !== LIST && !key.startsWith(METADATA))),
    tensors: rest ?? tensors,
  };
}

function listed(text: string | undefined): string[] {
  try {
    const names: unknown = JSON.parse(text ?? "[]");
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  } catch {
    // The same error as for JSON of something else.
  }
  throw new CheckpointError(`The checkpoint's "${LIST}" must be a list of names as JSON; it is ${show(text)}.`);
}
