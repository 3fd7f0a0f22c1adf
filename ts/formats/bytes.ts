// The bytes of a file as they are handed in.

import { OutOfMemoryError } from "../support/errors.js";
import { message } from "../support/messages.js";
import { arrayBuffer, arrayKind, arrayLength, arrayOffset, isDetached, isShared } from "../support/typed-array.js";

/**
 * A view on the bytes, of whatever realm they are; a copy of those in shared memory, which other threads could change
 * between a check and its use.
 */
export function checkedBytes(bytes: unknown): Uint8Array<ArrayBuffer> {
  if (arrayKind(bytes) !== "Uint8Array") throw new TypeError(message("bytes", "a Uint8Array", bytes));
  const buffer = arrayBuffer(bytes);
  if (isDetached(buffer)) {
    throw new TypeError(message("bytes", "a Uint8Array, and its buffer must not be detached", bytes));
  }
  if (isShared(buffer)) return new Uint8Array(bytes as Uint8Array);
  return new Uint8Array(buffer, arrayOffset(bytes), arrayLength(bytes));
}

/** `length` bytes, all 0. @throws {OutOfMemoryError} if there is no room. */
export function allocated(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new OutOfMemoryError(`There is no room for ${length} bytes of a file.`, { cause });
  }
}
