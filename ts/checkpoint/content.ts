// The bytes of a checkpoint, taken apart: what the optimizer saved, and what the user did.

import { checkedBytes } from "../formats/bytes.js";
import { readChecksummed } from "../formats/checksummed.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { type InspectedOverrides, OVERRIDES, parsedOverrides } from "./overrides.js";
import { decodeUserData, type UserData } from "./user-data.js";

export const FORMAT = "rmsprop-wasm checkpoint";
export const VERSION = "1";

/** What is in a checkpoint. */
export interface CheckpointContent {
  readonly includesVariables: boolean;
  readonly checksum: string;
  /** The configuration of the optimizer as JSON. */
  readonly optimizer: string | undefined;
  /** What variables do otherwise, by their paths. */
  readonly overrides: ReadonlyMap<string, InspectedOverrides>;
  /** Counters and rates by their names. */
  readonly scalars: ReadonlyMap<string, number>;
  /** Values and slots: views on the bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly userData: UserData;
}

/** @throws {CheckpointError} if the bytes were altered or truncated, or are of another kind. */
export function readContent(bytes: unknown): CheckpointContent {
  const file = readChecksummed(checkedBytes(bytes), assertOurs);
  const { userData, metadata, tensors } = decodeUserData(file.metadata, file.tensors);
  const take = (key: string) => {
    const text = metadata.get(key);
    metadata.delete(key);
    return text;
  };
  take("format");
  take("version");
  const [includesVariables, checksum, optimizer] = [take("includes_variables"), take("checksum"), take("optimizer")];
  const overrides = parsedOverrides(take(OVERRIDES));
  return {
    includesVariables: includesVariables === "true",
    checksum: checksum as string,
    optimizer,
    overrides,
    // What is left are counters and rates.
    scalars: new Map(Array.from(metadata, ([name, text]) => [name, parsedNumber(name, text)])),
    tensors,
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
