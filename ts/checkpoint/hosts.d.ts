// The parts of Node's modules and of the web's file system that the storage helpers use. These sources compile without the
// types of either: what is not declared here is not used.

declare module "node:crypto" {
  export function randomUUID(): string;
}

declare module "node:fs/promises" {
  interface FileHandle {
    chmod(mode: number): Promise<void>;
    chown(user: number, group: number): Promise<void>;
    close(): Promise<void>;
    read(into: Uint8Array, offset: number, length: number, position: null): Promise<{ bytesRead: number }>;
    readFile(): Promise<Uint8Array>;
    stat(): Promise<Stats>;
    sync(): Promise<void>;
    write(bytes: Uint8Array, offset: number, length: number, position: null): Promise<{ bytesWritten: number }>;
  }
  interface Stats {
    readonly mode: number;
    readonly mtimeMs: number;
    readonly size: number;
    readonly uid: number;
    readonly gid: number;
    isFile(): boolean;
  }
  export function mkdir(path: string, options: { recursive: true }): Promise<string | undefined>;
  export function open(path: string, flags: string, mode?: number): Promise<FileHandle>;
  export function readdir(path: string): Promise<string[]>;
  export function readlink(path: string): Promise<string>;
  export function realpath(path: string): Promise<string>;
  export function rename(from: string, to: string): Promise<void>;
  export function rm(path: string, options?: { force: boolean }): Promise<void>;
  export function stat(path: string): Promise<Stats>;
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
