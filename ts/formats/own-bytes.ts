// The bytes of a file as they are handed in.

import { message } from "../support/messages.js";
import { arrayBuffer, arrayKind, isDetached } from "../support/typed-array.js";

/** The bytes, of whatever realm they are. */
export function checkedBytes(bytes: unknown): Uint8Array {
  if (arrayKind(bytes) !== "Uint8Array") throw new TypeError(message("bytes", "a Uint8Array", bytes));
  if (isDetached(arrayBuffer(bytes))) {
    throw new TypeError(message("bytes", "a Uint8Array, and its buffer must not be detached", bytes));
  }
  return bytes as Uint8Array;
}

/** A copy of them, which nobody else changes. */
export const ownBytes = (bytes: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(checkedBytes(bytes));
