// The entry `rmsprop-wasm/checkpoint/node`: checkpoints as files that no crash can break. For Node, Bun and Deno.
//
// The bytes go to a temporary file in the same folder, then to the disk (fsync), and only then does the file get its name
// (rename), which the system does at once or not at all. The folder goes to the disk last: without that, a loss of power
// could take the new name back.

import { randomUUID } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  type Stats,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { platform } from "node:process";
import { allocated } from "../formats/bytes.js";
import { message, show } from "../support/messages.js";
import { runExclusive } from "./run-exclusive.js";
import { BEGINNING, looksLikeCheckpoint, PIECE, storable } from "./storable.js";

/** Milliseconds without a write after which a temporary file is taken for one of a process that died. */
const ABANDONED = 600_000;

/** How file systems say that they do not synchronize folders: CIFS, VirtualBox, FUSE. */
const UNSUPPORTED: readonly unknown[] = ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** Files whose leftovers this process has looked for. */
const cleaned = new Set<string>();

/**
 * Writes a file whole, or leaves what was there: whenever the process or the machine stops, `path` holds the bytes of the
 * last call that was done, or of one that was under way. Calls for the same file are done in their order. Several processes
 * may write the same file: the last one wins.
 *
 * ```ts
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { save } from "rmsprop-wasm/checkpoint";
 * import { deleteCheckpoint, listCheckpoints, readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";
 *
 * const path = join(tmpdir(), "runs", "7.safetensors");
 * await writeCheckpoint(path, save(optimizer));
 * const bytes = await readCheckpoint(path); // null if there is none
 * const names = await listCheckpoints(join(tmpdir(), "runs"));
 * await deleteCheckpoint(path);
 * [bytes?.length === save(optimizer).length, names.includes("7.safetensors")]; // [true, true]
 * ```
 *
 * @param path the file, or a link to it, which stays one. Folders that are missing are made. Permissions stay, and so do
 * owner and group where the process may set them. Temporary files beside it are called `.<name>.<uuid>.tmp`, with 71
 * characters of the name at most; those of processes that died are removed by the first call, ten minutes later or after
 * that.
 * @param bytes what `save` returned. Up to 64 MiB are copied; more must not change until the promise is settled.
 * @throws (by rejection) `TypeError` or `RangeError` for arguments that are not as described, the system's error if the file
 * cannot be written (`ENOSPC`, `EACCES`, …), and an error if the path leads to something other than a file.
 */
export async function writeCheckpoint(path: string, bytes: Uint8Array): Promise<void> {
  const target = resolve(checkedPath(path));
  const own = storable(bytes);
  await runExclusive(target, () => replace(target, own));
}

/**
 * The bytes of the file, or `null` if there is none yet.
 *
 * @param path the file, or a link to it.
 * @throws (by rejection) the system's error if the file cannot be read, and `OutOfMemoryError` if there is no room.
 */
export async function readCheckpoint(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await open(checkedPath(path), "r").catch(unlessMissing);
  if (!file) return null;
  try {
    const { size } = await file.stat();
    // As a plain Uint8Array: Node's Buffer can be a view on memory that it shares. A pipe has size 0, and content.
    return size === 0 ? Uint8Array.from(await file.readFile()) : await readPieces(file, size);
  } finally {
    await file.close();
  }
}

/**
 * Deletes a checkpoint; of a link, the file that it leads to.
 *
 * @param path the file, or a link to it.
 * @returns whether there was one. @throws (by rejection) the system's error if it cannot be deleted, and an error if the path
 * leads to something other than a file.
 */
export async function deleteCheckpoint(path: string): Promise<boolean> {
  const name = resolve(checkedPath(path));
  return runExclusive(name, async () => {
    const target = await targetOf(name);
    const old = await existingFile(target);
    if (!old) return false;
    await rm(target);
    await synchronize(dirname(target));
    return true;
  });
}

/**
 * The sorted names of the files in a folder that begin as checkpoints do; an empty list if the folder does not exist.
 *
 * @param folder a path.
 * @throws (by rejection) the system's error if the folder cannot be read.
 */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = (await readdir(checkedPath(folder, "folder")).catch(unlessMissing)) ?? [];
  const found: string[] = [];
  for (const name of names) if (!TEMPORARY.test(name) && (await isCheckpoint(join(folder, name)))) found.push(name);
  return found.sort();
}

function checkedPath(path: unknown, argument = "path"): string {
  if (typeof path !== "string") throw new TypeError(message(argument, "a string", path));
  if (path === "" || path.includes("\0")) throw new RangeError(message(argument, "not empty, and without \\0", path));
  return path;
}

async function readPieces(file: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocated(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, size - at), null);
    if (bytesRead === 0) return bytes.slice(0, at);
    at += bytesRead;
  }
  return bytes;
}

async function isCheckpoint(path: string): Promise<boolean> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isFile()) return false;
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return false;
  try {
    const beginning = new Uint8Array(BEGINNING);
    const { bytesRead } = await file.read(beginning, 0, BEGINNING, null);
    return looksLikeCheckpoint(beginning.subarray(0, bytesRead), about.size);
  } finally {
    await file.close();
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  // A path that is a link stays one.
  const first = await mkdir(dirname(path), { recursive: true });
  const target = await targetOf(path);
  // The new file gets the old one's permissions: whoever could not read that cannot read this, and whoever could still can.
  const old = await existingFile(target);
  const folder = dirname(target);
  const temporary = join(folder, `${prefix(target)}${randomUUID()}.tmp`);
  // Opened before anything is done, because not every folder can be.
  const entries = await opened(folder);
  try {
    await write(temporary, bytes, old);
    await rename(temporary, target);
    if (entries) await synced(entries);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    await entries?.close();
  }
  // A folder that was made is an entry of the one above.
  if (first !== undefined) {
    for (let made = dirname(path); made.length >= first.length; made = dirname(made)) await synchronize(dirname(made));
  }
  if (cleaned.has(target)) return;
  cleaned.add(target);
  // The file is safe by now, whatever becomes of the others.
  await clean(target).catch(() => {});
}

/** The status of a file, `undefined` if there is none. @throws if the path leads to something else. */
async function existingFile(path: string): Promise<Stats | undefined> {
  const found = await stat(path).catch(unlessMissing);
  if (found?.isFile() === false) throw new Error(`${show(path)} is no regular file, and is left as it is.`);
  return found;
}

/** A folder to be synchronized. On Windows none can be opened; there, renaming is written to the journal. */
const opened = async (folder: string) => (platform === "win32" ? undefined : open(folder, "r"));

async function synchronize(folder: string): Promise<void> {
  const entries = await opened(folder);
  try {
    if (entries) await synced(entries);
  } finally {
    await entries?.close();
  }
}

/** Waits until a folder's entries are on the disk, where the file system knows how. */
const synced = (entries: FileHandle) => entries.sync().catch(unlessUnsupported);

const codeOf = (error: unknown) => (error as { code?: unknown }).code;

/** `undefined` for what is not there. */
function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

function unlessUnsupported(error: unknown): void {
  if (!UNSUPPORTED.includes(codeOf(error))) throw error;
}

/** The file that the path leads to, also if there is none yet behind a link. */
async function targetOf(path: string): Promise<string> {
  const found = await realpath(path).catch(unlessMissing);
  if (found !== undefined) return found;
  // Links in a circle did not come this far.
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? path : targetOf(resolve(await realpath(dirname(path)), link));
}

/** Temporary files of the target begin so. Names of files have at most 255 bytes, a character at most three. */
const prefix = (target: string) => `.${basename(target).slice(0, 71)}.`;
/** … and end so. */
const SUFFIX = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/;
const TEMPORARY = /^\..*\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/;

/** Writes a new file with the owner and the permissions of the old one, and waits until all of it is on the disk. */
async function write(path: string, bytes: Uint8Array, old: Stats | undefined): Promise<void> {
  const mode = old && old.mode & 0o777;
  const { length } = bytes;
  const file = await open(path, "wx", mode);
  try {
    for (let at = 0; at < length; ) {
      at += (await file.write(bytes, at, Math.min(PIECE, length - at), null)).bytesWritten;
    }
    if (old) {
      const now = await file.stat();
      // Only root gives files away; a group can be one of the process' own.
      if (now.uid !== old.uid || now.gid !== old.gid)
        await file.chown(old.uid, old.gid).catch(() => file.chown(now.uid, old.gid).catch(() => {}));
      // The process' umask may have removed permissions.
      if ((now.mode & 0o777) !== mode) await file.chmod(mode as number);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what processes that died have left beside the target. */
async function clean(target: string): Promise<void> {
  const folder = dirname(target);
  const begin = prefix(target);
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(begin) && SUFFIX.test(name.slice(begin.length)),
  );
  for (const name of names) {
    const path = join(folder, name);
    // Whoever wrote it may rename it meanwhile.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - ABANDONED) await rm(path, { force: true });
  }
}
