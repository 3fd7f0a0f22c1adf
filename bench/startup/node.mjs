// Cold starts in Node, each in a fresh process.
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

/** @import { ColdStart, Host } from "../types.js" */

/** @param {string} name */
export const here = (name) => fileURLToPath(new URL(name, import.meta.url));
/** @param {string} name */
export const dist = (name) => here(`../../dist/${name}`);
/** @param {string} name */
const address = (name) => pathToFileURL(dist(name)).href;

/** What is started: the entry, for slim the module, and the files that an import reads. */
export const entries = {
  index: { args: [address("index.js")], files: ["index.js", "index.core.js"] },
  slim: { args: [address("slim.js"), dist("rmsprop.wasm")], files: ["slim.js"] },
};

/** Before everything else that the machine does, where the system allows: a start is too short for a fair share. */
const first = spawnSync("chrt", ["--fifo", "1", "true"]).status === 0 ? ["chrt", "--fifo", "1"] : [];

/**
 * What a fresh process of Node with these arguments prints.
 *
 * @param {readonly string[]} args
 */
export async function fresh(args) {
  const [command, ...rest] = [...first, process.execPath, ...args];
  const { stdout } = await promisify(execFile)(command, rest);
  return JSON.parse(stdout);
}

/**
 * @param {readonly string[]} flags
 * @returns {Promise<ColdStart>}
 */
const start = (flags, { args } = entries.index) => fresh([...flags, here("child.mjs"), ...args]);

/**
 * Milliseconds per step of 4,096 parameters when the engine has its baseline compiler only, or its optimizing one only.
 *
 * @param {number} count
 */
async function tiers(count) {
  /** @type {Record<"baseline" | "optimizing", number[]>} */
  const { baseline, optimizing } = { baseline: [], optimizing: [] };
  for (let i = 0; i < count; i++) {
    baseline.push((await start(["--liftoff", "--no-wasm-tier-up"])).optimized);
    optimizing.push((await start(["--no-liftoff"])).optimized);
  }
  return { baseline, optimizing };
}

/**
 * The default entry, and `slim`, which has no module to decode.
 *
 * @param {number} count
 * @returns {Promise<Host[]>}
 */
export async function node(count) {
  /** @type {Record<"starts" | "slimStarts", ColdStart[]>} */
  const { starts, slimStarts } = { starts: [], slimStarts: [] };
  for (let i = 0; i < count; i++) {
    starts.push(await start([]));
    slimStarts.push(await start([], entries.slim));
  }
  const host = `Node ${process.versions.node}`;
  return [
    { host, starts, tiers: await tiers(Math.ceil(count / 3)) },
    { host: `${host}, slim`, starts: slimStarts },
  ];
}
