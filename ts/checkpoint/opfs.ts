// The entry `rmsprop-wasm/checkpoint/opfs`: checkpoints in a browser's origin private file system, in pages and workers.
//
// `createWritable` writes to a file beside the one that is asked for, and `close` puts it in its place, at once or not at all
// (https://fs.spec.whatwg.org/#api-filesystemwritablefilestream). A synchronous access handle would be faster, but it
// writes in place: a worker that ends in the middle leaves a broken file.

import { message } from "../support/messages.js";
import { runExclusive } from "./run-exclusive.js";
import { storable } from "./storable.js";

/** What is used of a `FileSystemDirectoryHandle`. */
export interface Directory {
  /** The file of this name; made, if it is to be. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<FileHandle>;
}

/** What is used of a `FileSystemFileHandle`. */
export interface FileHandle {
  /** What is in the file now. */
  getFile(): Promise<{ arrayBuffer(): Promise<ArrayBuffer> }>;
  /** A stream to a copy, which takes the file's place when it is closed. */
  createWritable(): Promise<Writable>;
}

/** What is used of a `FileSystemWritableFileStream`. */
export interface Writable {
  /** Writes bytes to the copy. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Puts the copy in the file's place. */
  close(): Promise<void>;
  /** Drops the copy. */
  abort(): Promise<void>;
}

/** Where there is none, such as in pages without TLS, `navigator.storage` is missing. */
async function root(): Promise<Directory> {
  const storage = typeof navigator === "undefined" ? undefined : navigator.storage; // Node 20 has no navigator
  if (typeof storage?.getDirectory === "function") return storage.getDirectory();
  throw new Error(
    "There is no origin private file system here: navigator.storage.getDirectory is missing. " +
      "Give a `directory`, or use rmsprop-wasm/checkpoint/node.",
  );
}

/**
 * Writes a file whole, or leaves what was there: whenever the page or the browser ends, the file holds the bytes of the
 * last call that was done, or of one that was under way. Calls for the same name are done in their order.
 *
 * @param name the file's name.
 * @param bytes what `save` returned; copied.
 * @param directory where; default: the root of the origin private file system.
 * @throws the browser's `DOMException` if the file cannot be written (`QuotaExceededError`, …).
 */
export function writeCheckpoint(name: string, bytes: Uint8Array, directory?: Directory): Promise<void> {
  if (typeof name !== "string") throw new TypeError(message("name", "a string", name));
  const own = storable(bytes);
  return runExclusive(name, async () => {
    const folder = directory ?? (await root());
    const file = await folder.getFileHandle(name, { create: true });
    const writable = await file.createWritable();
    try {
      await writable.write(own);
    } catch (error) {
      // Why it failed is more than that the rest fails too.
      await writable.abort().catch(() => {});
      throw error;
    }
    await writable.close();
  });
}

/**
 * The bytes of the file, or `null` if there is none yet.
 *
 * @param directory where; default: the root of the origin private file system.
 * @throws the browser's `DOMException` if there is one that cannot be read.
 */
export async function readCheckpoint(name: string, directory?: Directory): Promise<Uint8Array<ArrayBuffer> | null> {
  if (typeof name !== "string") throw new TypeError(message("name", "a string", name));
  try {
    const folder = directory ?? (await root());
    const content = await (await (await folder.getFileHandle(name)).getFile()).arrayBuffer();
    // The first call makes an empty file before it writes the first bytes elsewhere.
    return content.byteLength === 0 ? null : new Uint8Array(content);
  } catch (error) {
    if ((error as { name?: unknown }).name === "NotFoundError") return null;
    throw error;
  }
}
