// Where a run is kept: the origin private file system; where there is none, IndexedDB; else memory, until the page is left.

import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/opfs";

export interface Store {
  /** What people call it. */
  readonly name: string;
  read(file: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whole or not at all. */
  write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
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
  await readCheckpoint("rmsprop-wasm-probe", folder);
  return {
    name: "the origin private file system",
    read: (file) => readCheckpoint(file, folder),
    write: (file, bytes) => writeCheckpoint(file, bytes, folder),
    remove: (file) => folder.removeEntry(file).catch(ignoreMissing),
  };
}

function ignoreMissing(error: unknown): void {
  if ((error as { name?: unknown }).name !== "NotFoundError") throw error;
}

async function openIndexedDb(): Promise<Store> {
  const opening = indexedDB.open("rmsprop-wasm", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  const database = await done(opening);
  const files = (mode: IDBTransactionMode) => database.transaction("files", mode).objectStore("files");
  return {
    name: "IndexedDB",
    read: async (file) => (await done<Uint8Array<ArrayBuffer> | undefined>(files("readonly").get(file))) ?? null,
    write: async (file, bytes) => void (await done(files("readwrite").put(bytes, file))),
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
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    name: "memory, until this page is left",
    read: async (file) => files.get(file) ?? null,
    write: async (file, bytes) => void files.set(file, bytes),
    remove: async (file) => void files.delete(file),
  };
}
