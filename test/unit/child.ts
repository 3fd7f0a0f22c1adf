// Runs a script of children/ in a Node process of its own, where the garbage collector can be called.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What the script printed, parsed. */
export async function runChild<T>(script: string, ...args: string[]): Promise<T> {
  const path = fileURLToPath(new URL(`children/${script}`, import.meta.url));
  const flags = ["--expose-gc", "--max-semi-space-size=64"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, path, ...args]);
  return JSON.parse(stdout) as T;
}
