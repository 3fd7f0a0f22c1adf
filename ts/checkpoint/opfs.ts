// The entry `rmsprop-wasm/checkpoint/opfs`: checkpoints in a browser's origin private file system, in pages and workers.
//
// `createWritable` writes to a file beside the one that is asked for, and `close` swaps them, at once or not at all
// (https://fs.spec.whatwg.org/#api-filesystemwritablefilestream). A synchronous access handle would be faster, but it
// writes in place: a worker that ends in the middle leaves a broken file.

import { allocated } from "../formats/bytes.js";
import { message } from "../support/messages.js";
import { runExclusive } from "./run-exclusive.js";
import { BEGINNING, looksLikeCheckpoint, PIECE, storable } from "./storable.js";

/** What is used of a `FileSystemDirectoryHandle`. */
export interface Directory {
  /** The file of this name; made, if it is to be. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<FileHandle>;
  /** The folder of this name; made, if it is to be. For names with a `/`. */
  getDirectoryHandle?(name: string, options?: { create?: boolean }): Promise<Directory>;
  /** Removes a file. For `deleteCheckpoint`. */
  removeEntry?(name: string): Promise<void>;
  /** The names of what is in it. For `listCheckpoints`. */
  keys?(): AsyncIterable<string>;
}

/** What is used of a `FileSystemFileHandle`. */
export interface FileHandle {
  /** What is in the file now. */
  getFile(): Promise<Content>;
  /** A stream to a copy, which becomes the file when it is closed. */
  createWritable(): Promise<Writable>;
}

/** What is used of a `File`. */
export interface Content {
  /** Its bytes. */
  arrayBuffer(): Promise<ArrayBuffer>;
  /** Their number. */
  readonly size?: number;
  /** A part of it. */
  slice?(begin: number, end: number): Content;
}

/** What is used of a `FileSystemWritableFileStream`. */
export interface Writable {
  /** Writes bytes to the copy, behind those before. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Makes the copy the file. */
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
 * ```js
 * await writeCheckpoint("runs/7", save(optimizer));
 * await listCheckpoints("runs"); // ["7"]
 * const bytes = await readCheckpoint("runs/7"); // null if there is none
 * await deleteCheckpoint("runs/7"); // true
 * ```
 *
 * @param name the file's name; behind folders, such as `runs/7/last`, which are made.
 * @param bytes what `save` returned. Up to 64 MiB are copied; more must not change until the promise is settled.
 * @param directory where; default: the root of the origin private file system.
 * @throws (by rejection) `TypeError` or `RangeError` for arguments that are not as described, and the browser's
 * `DOMException` if the file cannot be written (`QuotaExceededError`, …).
 */
export async function writeCheckpoint(name: string, bytes: Uint8Array, directory?: Directory): Promise<void> {
  const parts = checkedParts("name", name);
  const own = storable(bytes);
  await runExclusive(name, async () => {
    const folder = await folderOf(parts, directory, true);
    const file = await folder.getFileHandle(parts.at(-1) as string, { create: true });
    const writable = await file.createWritable();
    try {
      const { length } = own;
      for (let at = 0; at < length; at += PIECE) await writable.write(own.subarray(at, at + PIECE));
    } catch (error) {
      // The first error says why; one of `abort` would hide it.
      await writable.abort().catch(() => {});
      throw error;
    }
    await writable.close();
  });
}

/**
 * The bytes of the file, or `null` if there is none yet.
 *
 * @param name as in `writeCheckpoint`.
 * @param directory where; default: the root of the origin private file system.
 * @throws (by rejection) the browser's `DOMException` if the file cannot be read, and `OutOfMemoryError` if there is no room.
 */
export async function readCheckpoint(name: string, directory?: Directory): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts = checkedParts("name", name);
  try {
    const folder = await folderOf(parts, directory, false);
    const bytes = await contentOf(await (await folder.getFileHandle(parts.at(-1) as string)).getFile());
    // The first call makes an empty file before it writes the first bytes elsewhere.
    return bytes.length === 0 ? null : bytes;
  } catch (error) {
    return unlessMissing(error, null);
  }
}

/**
 * Deletes a checkpoint.
 *
 * @param name as in `writeCheckpoint`.
 * @param directory where; default: the root of the origin private file system.
 * @returns whether there was one.
 * @throws (by rejection) the browser's `DOMException` if it cannot be deleted.
 */
export async function deleteCheckpoint(name: string, directory?: Directory): Promise<boolean> {
  const parts = checkedParts("name", name);
  return runExclusive(name, async () => {
    try {
      const folder = await folderOf(parts, directory, false);
      await (folder as Required<Directory>).removeEntry(parts.at(-1) as string);
      return true;
    } catch (error) {
      return unlessMissing(error, false);
    }
  });
}

/**
 * The sorted names of the files in a folder that begin as checkpoints do; an empty list if the folder does not exist.
 *
 * @param folder its name, such as `runs/7`; default: the `directory` itself.
 * @param directory where; default: the root of the origin private file system.
 * @throws (by rejection) the browser's `DOMException` if the folder cannot be read.
 */
export async function listCheckpoints(folder = "", directory?: Directory): Promise<string[]> {
  const parts = folder === "" ? [] : checkedParts("folder", folder);
  const found: string[] = [];
  try {
    const inner = await folderOf([...parts, ""], directory, false);
    for await (const name of (inner as Required<Directory>).keys()) {
      // A folder has no file handle.
      const file = await inner.getFileHandle(name).catch(() => undefined);
      const content = await file?.getFile();
      if (!content?.slice) continue;
      const beginning = new Uint8Array(await content.slice(0, BEGINNING).arrayBuffer());
      if (looksLikeCheckpoint(beginning, content.size ?? 0)) found.push(name);
    }
  } catch (error) {
    return unlessMissing(error, []);
  }
  return found.sort();
}

/** The parts of a name between its slashes. */
function checkedParts(argument: string, name: unknown): string[] {
  const rule = "a name, or names with `/` between them";
  if (typeof name !== "string") throw new TypeError(message(argument, "a string", name));
  const parts = name.split("/");
  if (parts.every((part) => !/^\.{0,2}$|[\\\0]/.test(part))) return parts;
  throw new RangeError(message(argument, `${rule}, none of them empty, "." or "..", or with \`\\\``, name));
}

/** The folder that a name leads into: all parts but the last. */
async function folderOf(
  parts: readonly string[],
  directory: Directory | undefined,
  create: boolean,
): Promise<Directory> {
  let folder = directory ?? (await root());
  for (const part of parts.slice(0, -1))
    folder = await (folder as Required<Directory>).getDirectoryHandle(part, { create });
  return folder;
}

async function contentOf(file: Content): Promise<Uint8Array<ArrayBuffer>> {
  const { size = 0 } = file;
  if (size <= PIECE || !file.slice) return new Uint8Array(await file.arrayBuffer());
  const bytes = allocated(size);
  for (let at = 0; at < size; at += PIECE) {
    bytes.set(new Uint8Array(await file.slice(at, Math.min(at + PIECE, size)).arrayBuffer()), at);
  }
  return bytes;
}

function unlessMissing<T>(error: unknown, otherwise: T): T {
  if ((error as { name?: unknown }).name === "NotFoundError") return otherwise;
  throw error;
}
