// The bytes of a checkpoint, taken apart: the optimizer's state, and the user's data.

import { checkedBytes } from "../formats/bytes.js";
import { readChecksummed } from "../formats/checksummed.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { type InspectedOverrides, OVERRIDES, parsedOverrides } from "./overrides.js";
import { decodeUserData, type UserData } from "./user-data.js";

export const FORMAT = "rmsprop-wasm checkpoint";
export const VERSION = "1";

/** Keys of the metadata that hold text; the others hold counters and rates. */
const TEXTS: readonly string[] = ["format", "version", "includes_variables", "checksum", "optimizer", OVERRIDES];

/** What is in a checkpoint. */
export interface CheckpointContent {
  readonly includesVariables: boolean;
  readonly checksum: string;
  /** The configuration of the optimizer as JSON. */
  readonly optimizer: string | undefined;
  /** The variables' overrides, by path. */
  readonly overrides: ReadonlyMap<string, InspectedOverrides>;
  /** Counters and rates by their names. */
  readonly scalars: ReadonlyMap<string, number>;
  /** Values and slots, in the order of their bytes: views on the file. */
  readonly list: readonly StoredTensor[];
  /** The same by their names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly userData: UserData;
}

/** @throws {CheckpointError} if the bytes were altered or truncated, or are of another kind. */
export function readContent(bytes: unknown): CheckpointContent {
  const file = readChecksummed(checkedBytes(bytes), assertOurs);
  const { userData, texts, state } = decodeUserData(file);
  const { metadata } = file;
  return {
    includesVariables: metadata.get("includes_variables") === "true",
    checksum: metadata.get("checksum") as string,
    optimizer: metadata.get("optimizer"),
    overrides: parsedOverrides(metadata.get(OVERRIDES)),
    scalars: new Map(
      texts.filter(([name]) => !TEXTS.includes(name)).map(([name, text]) => [name, parsedNumber(name, text)]),
    ),
    list: state.list,
    get tensors() {
      return state.tensors;
    },
    userData,
  };
}

/** The number as text from which `Number` makes it again; `String` forgets the sign of -0. */
export const numberText = (number: number): string => (Object.is(number, -0) ? "-0" : String(number));

function parsedNumber(name: string, text: string): number {
  const number = Number(text);
  if (numberText(number) === text) return number;
  throw new CheckpointError(`The checkpoint's ${show(name)} must be a number; it is ${show(text)}.`);
}

function assertOurs(metadata: ReadonlyMap<string, string>): void {
  const [format, version] = [metadata.get("format"), metadata.get("version")];
  if (format === FORMAT && version === VERSION) return;
  throw new CheckpointError(
    `The file must be a "${FORMAT}" of version ${VERSION}; it is ${show(format)} of version ${show(version)}.`,
  );
}
