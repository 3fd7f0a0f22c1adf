// Safetensors files with a checksum over everything: no byte can change unnoticed. Python's library reads them;
// what it writes has no checksum, and is not read here.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { crc32 } from "./crc32.js";
import { type Content, dataStart, type File, read, write } from "./safetensors.js";
import { encodeUtf8 } from "./utf8.js";

/** The checksum is over the whole file with these digits in its position. */
const NO_CHECKSUM = "00000000";

/** The file's bytes, with a checksum in its metadata, which must have none. */
export function writeChecksummed({ metadata, tensors }: Content): Uint8Array<ArrayBuffer> {
  const bytes = write({ metadata: { ...metadata, checksum: NO_CHECKSUM }, tensors });
  bytes.set(encodeUtf8(hex(crc32(bytes))), checksumOffset(bytes));
  return bytes;
}

const hex = (checksum: number) => checksum.toString(16).padStart(8, "0");

/** The offset of the checksum's digits: behind the first key of that name in the header. */
function checksumOffset(bytes: Uint8Array): number {
  const key = encodeUtf8('"checksum":"');
  const start = dataStart(bytes);
  for (let at = bytes.indexOf(0x22, 8); at >= 0 && at + key.length + 8 <= start; at = bytes.indexOf(0x22, at + 1)) {
    if (key.every((byte, i) => bytes[at + i] === byte)) return at + key.length;
  }
  throw new CheckpointError("The checkpoint's header has no checksum: `save` of rmsprop-wasm did not write this file.");
}

/**
 * What the bytes of a file say. The tensors are views on the bytes, which must not change any more.
 *
 * @param checkKind throws if, by its metadata, it is a file of another kind: then nothing more is said about it.
 * @throws {CheckpointError} if they are not what `writeChecksummed` has written.
 */
export function readChecksummed(bytes: Uint8Array<ArrayBuffer>, checkKind: (metadata: File["metadata"]) => void): File {
  const offset = checksumOffset(bytes);
  const stored = String.fromCharCode(...bytes.subarray(offset, offset + 8));
  const before = crc32(encodeUtf8(NO_CHECKSUM), crc32(bytes.subarray(0, offset)));
  const computed = hex(crc32(bytes.subarray(offset + 8), before));
  if (stored !== computed) {
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its checksum is ${show(stored)}, its bytes have ${computed}.`,
    );
  }
  const file = read(bytes);
  checkKind(file.metadata);
  // The digits that were found could be in another text than this one.
  if (file.metadata.get("checksum") !== stored) {
    throw new CheckpointError(
      `The checkpoint's checksum is ${show(stored)} or ${show(file.metadata.get("checksum"))}.`,
    );
  }
  return file;
}
