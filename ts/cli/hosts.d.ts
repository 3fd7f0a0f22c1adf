// The parts of Node's modules that the command uses, beside those of the storage helpers.

declare module "node:fs/promises" {
  export function readFile(path: string, encoding: "utf8"): Promise<string>;
}

declare module "node:os" {
  export function availableParallelism(): number;
}

declare module "node:process" {
  export const arch: string;
  export const argv: readonly string[];
  export const stderr: { write(text: string): void };
  export const stdout: { write(text: string): void };
  export const versions: Readonly<Record<string, string | undefined>>;
  export function exit(code: number): never;
}
