// What may take the place of a checkpoint in storage.

import { ownBytes } from "../formats/own-bytes.js";
import { message } from "../support/messages.js";

/**
 * A copy of the bytes of a checkpoint, as they are now: who has written them may go on to use theirs.
 *
 * @throws {TypeError | RangeError} if they do not even begin as a checkpoint does, which must not replace a good one.
 */
export function storable(bytes: unknown): Uint8Array<ArrayBuffer> {
  const own = ownBytes(bytes);
  const length = own.length < 16 ? 0 : Number(new DataView(own.buffer).getBigUint64(0, true));
  if (length === 0 || length > own.length - 8 || own[8] !== 0x7b) {
    throw new RangeError(message("bytes", "what `save` returned", bytes));
  }
  return own;
}
