// The entry `rmsprop-wasm/checkpoint/node`: checkpoints as files that no crash can break. For Node, Bun and Deno.
//
// The bytes go to a temporary file in the same folder, then to the disk (fsync), and only then does the file get its name
// (rename), which the system does at once or not at all. The folder goes to the disk last: without that, a loss of power
// could take the new name back.

import { randomUUID } from "node:crypto";
import { chmod, open, readdir, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { platform } from "node:process";
import { message, show } from "../support/messages.js";
import { runExclusive } from "./run-exclusive.js";
import { storable } from "./storable.js";

/** A temporary file that was not written to for so long is one of a process that died; in milliseconds. */
const ABANDONED = 600_000;

/** The files whose leftovers were looked for. */
const cleaned = new Set<string>();

/**
 * Writes a file whole, or leaves what was there: whenever the process or the machine stops, `path` holds the bytes of the
 * last call that was done, or of one that was under way. Calls for the same file are done in their order. Several processes
 * may write the same file: the last one wins.
 *
 * @param path the file, or a link to it, which stays one; its folder must exist. Permissions stay, too. Temporary files
 * beside it are called `.<name>.<uuid>.tmp`, with 71 characters of the name at most; those of processes that died are removed
 * by the first call, ten minutes later or after that.
 * @param bytes what `save` returned; copied.
 * @throws the system's error if the file cannot be written (`ENOENT`, `ENOSPC`, `EACCES`, …), and an error for what is there
 * and no file.
 */
export function writeCheckpoint(path: string, bytes: Uint8Array): Promise<void> {
  if (typeof path !== "string") throw new TypeError(message("path", "a string", path));
  const own = storable(bytes);
  const target = resolve(path);
  return runExclusive(target, () => replace(target, own));
}

/**
 * The bytes of the file, or `null` if there is none yet.
 *
 * @throws the system's error if there is one that cannot be read.
 */
export async function readCheckpoint(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (typeof path !== "string") throw new TypeError(message("path", "a string", path));
  try {
    // As a plain Uint8Array: Node's Buffer can be a view on memory that it shares.
    return Uint8Array.from(await readFile(path));
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  // A name that is a link goes on to be one.
  const target = await targetOf(path);
  // Nobody may read the new file who could not read the old one, and who could may go on.
  const old = await stat(target).catch(unlessMissing);
  if (old?.isFile() === false) throw new Error(`${show(target)} is no regular file, and is left as it is.`);
  const folder = dirname(target);
  const temporary = join(folder, `${prefix(target)}${randomUUID()}.tmp`);
  // Opened before anything is done, because not every folder can be. On Windows none can; there, renaming is written to the
  // journal.
  const entries = platform === "win32" ? undefined : await open(folder, "r");
  try {
    await write(temporary, bytes, old && old.mode & 0o777);
    await rename(temporary, target);
    await entries?.sync();
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    await entries?.close();
  }
  if (cleaned.has(target)) return;
  cleaned.add(target);
  // The file is safe by now, whatever becomes of the others.
  await clean(target).catch(() => {});
}

/** `undefined` for what is not there. */
function unlessMissing(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== "ENOENT") throw error;
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

/** Writes a new file with these permissions, and waits until all of it is on the disk. */
async function write(path: string, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(bytes);
    // The process' mask has taken some away.
    if (mode !== undefined && ((await stat(path)).mode & 0o777) !== mode) await chmod(path, mode);
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
