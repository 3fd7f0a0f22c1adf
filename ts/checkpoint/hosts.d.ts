// The parts of Node's modules and of the web's file system that the storage helpers use. These sources compile without the
// types of either: what is not declared here is not used.

declare module "node:crypto" {
  export function randomUUID(): string;
}

declare module "node:fs/promises" {
  interface FileHandle {
    writeFile(bytes: Uint8Array): Promise<void>;
    sync(): Promise<void>;
    close(): Promise<void>;
  }
  export function chmod(path: string, mode: number): Promise<void>;
  export function open(path: string, flags: string, mode?: number): Promise<FileHandle>;
  export function readdir(path: string): Promise<string[]>;
  export function readFile(path: string): Promise<Uint8Array>;
  export function readlink(path: string): Promise<string>;
  export function realpath(path: string): Promise<string>;
  export function rename(from: string, to: string): Promise<void>;
  export function rm(path: string, options: { force: boolean }): Promise<void>;
  export function stat(path: string): Promise<{ mode: number; mtimeMs: number; isFile(): boolean }>;
}

declare module "node:path" {
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function join(...parts: string[]): string;
  export function resolve(...parts: string[]): string;
}

declare module "node:process" {
  export const platform: string;
}

declare const navigator: { readonly storage?: { getDirectory?(): Promise<import("./opfs.js").Directory> } };
