// What may be stored as a checkpoint.

import { checkedBytes } from "../formats/bytes.js";
import { message } from "../support/messages.js";

/** Bytes of a file that are read or written in one call. Some hosts refuse more than 2 GiB. */
export const PIECE: number = 2 ** 26;

/** Enough of a file to tell whether it begins as a checkpoint does. */
export const BEGINNING = 16;

/** Whether bytes begin as a checkpoint of `size` bytes does: with the length of a header, and the header. */
export function looksLikeCheckpoint(bytes: Uint8Array, size: number): boolean {
  if (bytes.length < BEGINNING) return false;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return length > 0 && length <= size - 8 && bytes[8] === 0x7b;
}

/**
 * The bytes of a checkpoint: a copy if they fit into one piece, so that their owner may use the memory again at once. A copy
 * of more could be more than there is room for.
 *
 * @throws {TypeError | RangeError} if they do not even begin as a checkpoint does, which must not replace a good one.
 */
export function storable(bytes: unknown): Uint8Array<ArrayBuffer> {
  const own = checkedBytes(bytes);
  if (!looksLikeCheckpoint(own, own.length)) throw new RangeError(message("bytes", "what `save` returned", bytes));
  return own.length <= PIECE ? own.slice() : own;
}
