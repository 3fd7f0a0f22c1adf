// Where a run is kept: the origin private file system; where there is none, IndexedDB; else memory, until the page is left.

import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/opfs";

export interface Store {
  /** What people call it. */
  readonly name: string;
  /** A checkpoint's bytes. */
  readCheckpoint(file: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whole or not at all. */
  writeCheckpoint(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  readText(file: string): Promise<string | null>;
  writeText(file: string, text: string): Promise<void>;
  /** No error if there is no such file. */
  remove(file: string): Promise<void>;
}

/** The first one that works here. */
export async function openStore(): Promise<Store> {
  for (const open of [openOpfs, openIndexedDb]) {
    try {
      return await open();
    } catch {
      // Not here, or not in this window: private windows and old engines have none.
    }
  }
  return createMemoryStore();
}

async function openOpfs(): Promise<Store> {
  const folder = await navigator.storage.getDirectory();
  if (typeof FileSystemFileHandle.prototype.createWritable !== "function") throw new Error("Files cannot be replaced");
  return {
    name: "the origin private file system",
    readCheckpoint: (file) => readCheckpoint(file, folder),
    writeCheckpoint: (file, bytes) => writeCheckpoint(file, bytes, folder),
    async readText(file) {
      const handle = await folder.getFileHandle(file).catch(ignoreMissing);
      return handle ? (await handle.getFile()).text() : null;
    },
    async writeText(file, text) {
      const stream = await (await folder.getFileHandle(file, { create: true })).createWritable();
      await stream.write(text);
      await stream.close();
    },
    remove: (file) => folder.removeEntry(file).catch(ignoreMissing),
  };
}

function ignoreMissing(error: unknown): undefined {
  if ((error as { name?: unknown }).name !== "NotFoundError") throw error;
}

async function openIndexedDb(): Promise<Store> {
  const opening = indexedDB.open("rmsprop-wasm", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  const database = await done(opening);
  const files = (mode: IDBTransactionMode) => database.transaction("files", mode).objectStore("files");
  const read = async <Value>(file: string) => (await done<Value | undefined>(files("readonly").get(file))) ?? null;
  const write = async (file: string, value: unknown) => void (await done(files("readwrite").put(value, file)));
  return {
    name: "IndexedDB",
    readCheckpoint: read,
    writeCheckpoint: write,
    readText: read,
    writeText: write,
    remove: async (file) => void (await done(files("readwrite").delete(file))),
  };
}

function done<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export function createMemoryStore(): Store {
  const files = new Map<string, unknown>();
  const read = async <Value>(file: string) => (files.get(file) as Value | undefined) ?? null;
  const write = async (file: string, value: unknown) => void files.set(file, value);
  return {
    name: "memory, until this page is left",
    readCheckpoint: read,
    writeCheckpoint: write,
    readText: read,
    writeText: write,
    remove: async (file) => void files.delete(file),
  };
}
