// Safetensors files with a checksum over everything, in exactly one possible form: of such a file, no byte can be changed
// unseen. Python's library reads them; what it writes has no such checksum, and is not read here.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
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

/**
 * What the bytes of a file say. The tensors are views on the bytes, which must not change any more.
 *
 * @param checkKind throws if, by its metadata, it is a file of another kind: of that there is no use in knowing more.
 * @throws {CheckpointError} if they are not exactly what `writeSealed` has written.
 */
export function readSealed(own: Uint8Array<ArrayBuffer>, checkKind: (metadata: File["metadata"]) => void): File {
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
  checkKind(metadata);
  const places = new Map(tensorNames(text).map((name, i) => [name, i]));
  const placeOf = ([name]: readonly [string, unknown]) => places.get(name) ?? -1;
  const inOrder: File["tensors"] = new Map([...tensors].sort((a, b) => placeOf(a) - placeOf(b)));
  if (dataStart(own) % 16 !== 0 || headerText({ metadata, tensors: inOrder }) !== text) {
    throw new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
  }
  return { metadata, tensors: inOrder };
}

/** The tensors' names in the order of the text: JSON.parse puts those that look like whole numbers first. */
function tensorNames(text: string): string[] {
  const names: string[] = [];
  // From string to string, and each of them is passed once. A regular expression would begin anew at every quotation mark
  // in a string, or need more of a stack than there is.
  for (let begin = text.indexOf('"'); begin >= 0; ) {
    let end = begin + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    end += 1;
    if (text.startsWith(':{"dtype":', end)) names.push(JSON.parse(text.slice(begin, end)) as string);
    begin = text.indexOf('"', end);
  }
  return names;
}
