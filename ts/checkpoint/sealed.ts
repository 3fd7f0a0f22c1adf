// Safetensors files with a checksum over everything, in exactly one possible form: of such a file, no byte can be changed
// unseen. Python's library reads them; what it writes has no such checksum, and is not read here.

import { CheckpointError, show } from "../errors.js";
import { crc32 } from "./crc32.js";
import { dataStart, type File, headerText, read, readHeaderText, write } from "./safetensors.js";
import { encodeUtf8 } from "./utf8.js";

/** The checksum is over the whole file with these digits in its place. */
const NO_CHECKSUM = "00000000";
const CHECKSUM_KEY = '"checksum":"';

const digits = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, "0");

/** The file's bytes, with a checksum in its metadata. */
export function writeSealed({ metadata, tensors }: File): Uint8Array<ArrayBuffer> {
  const bytes = write({ metadata: { ...metadata, checksum: NO_CHECKSUM }, tensors });
  bytes.set(encodeUtf8(digits(bytes)), checksumPlace(bytes));
  return bytes;
}

/** Where the digits of the checksum are: after the first place where the header says so. */
function checksumPlace(bytes: Uint8Array): number {
  const key = encodeUtf8(CHECKSUM_KEY);
  const start = dataStart(bytes);
  for (let at = 8; at + key.length + 8 <= start; at++) {
    if (key.every((byte, i) => bytes[at + i] === byte)) return at + key.length;
  }
  throw new CheckpointError("The checkpoint's header has no checksum: `save` of rmsprop-wasm did not write this file.");
}

/** What the bytes of a file say. @throws {CheckpointError} if they are not exactly what `writeSealed` has written. */
export function readSealed(bytes: Uint8Array): File {
  // A copy: nobody changes it meanwhile, and its data are aligned.
  const own = Uint8Array.from(bytes);
  const place = checksumPlace(own);
  const stored = String.fromCharCode(...own.subarray(place, place + 8));
  own.set(encodeUtf8(NO_CHECKSUM), place);
  const computed = digits(own);
  if (stored !== computed) {
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its checksum is ${show(stored)}, its bytes have ${computed}.`,
    );
  }
  const text = readHeaderText(own);
  const { metadata, tensors } = read(own);
  // In the order of the text: JSON.parse puts names that look like whole numbers first.
  const keys = text.matchAll(/"(?:[^"\\]|\\.)*"(?=:\{"dtype":)/g);
  const places = new Map(Array.from(keys, ([key], i) => [JSON.parse(key) as string, i]));
  const placeOf = ([name]: readonly [string, unknown]) => places.get(name) ?? -1;
  const inOrder: File["tensors"] = new Map([...tensors].sort((a, b) => placeOf(a) - placeOf(b)));
  if (dataStart(own) % 16 !== 0 || headerText({ metadata, tensors: inOrder }) !== text) {
    throw new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
  }
  return { metadata, tensors: inOrder };
}
