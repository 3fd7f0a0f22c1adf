// The entry `rmsprop-wasm/checkpoint/node`: checkpoints as files that no crash can break. For Node, Bun and Deno.
//
// The bytes go to a temporary file in the same folder, then to the disk (fsync), and only then does the file get its name
// (rename), which the system does at once or not at all. The folder goes to the disk last: without that, a loss of power
// could take the new name back.

import { randomUUID } from "node:crypto";
import { open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { platform } from "node:process";
import { message } from "../errors.js";
import { serially } from "./serially.js";

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
 * beside it are called `.<name>.<uuid>.tmp`; those of processes that died are removed by the first call, ten minutes later
 * or after that.
 * @param bytes what `save` returned.
 * @throws the system's error if the file cannot be written (`ENOENT`, `ENOSPC`, `EACCES`, …).
 */
export function writeCheckpoint(path: string, bytes: Uint8Array): Promise<void> {
  if (typeof path !== "string") throw new TypeError(message("path", "a string", path));
  if (!(bytes instanceof Uint8Array)) throw new TypeError(message("bytes", "a Uint8Array", bytes));
  const target = resolve(path);
  return serially(target, () => replace(target, bytes));
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
  const target = await realpath(path).catch(() => path);
  // Nobody may read the new file who could not read the old one.
  const { mode } = await stat(target).catch(() => ({ mode: 0o666 }));
  const temporary = join(dirname(target), `${prefix(target)}${randomUUID()}.tmp`);
  try {
    await synchronized(temporary, "wx", (file) => file.writeFile(bytes), mode & 0o777);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  // Windows cannot open a folder; there, renaming is written to the journal.
  if (platform !== "win32") await synchronized(dirname(target), "r");
  if (cleaned.has(target)) return;
  cleaned.add(target);
  // The file is safe by now, whatever becomes of the others.
  await clean(target).catch(() => {});
}

const prefix = (target: string) => `.${basename(target)}.`;

/** Opens a file or a folder, works on it, and waits until all of it is on the disk. */
async function synchronized(
  path: string,
  flags: string,
  work?: (file: { writeFile(bytes: Uint8Array): Promise<void> }) => Promise<void>,
  mode?: number,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await work?.(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what processes that died have left beside the target. */
async function clean(target: string): Promise<void> {
  const folder = dirname(target);
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix(target)) && name.endsWith(".tmp"));
  for (const name of names) {
    const path = join(folder, name);
    // Whoever wrote it may rename it meanwhile.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - ABANDONED) await rm(path, { force: true });
  }
}
