// Cold starts in Node, each in a fresh process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** @import { ColdStart, Host } from "../types.js" */

const child = fileURLToPath(new URL("child.mjs", import.meta.url));
/** @param {string} name */
const dist = (name) => new URL(`../../dist/${name}`, import.meta.url);
const everything = [dist("index.js").href];
const slim = [dist("slim.js").href, fileURLToPath(dist("rmsprop.wasm"))];

/**
 * @param {readonly string[]} flags
 * @returns {Promise<ColdStart>}
 */
async function start(flags, entry = everything) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, ...entry]);
  return JSON.parse(stdout);
}

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
    slimStarts.push(await start([], slim));
  }
  const host = `Node ${process.versions.node}`;
  return [
    { host, starts, tiers: await tiers(Math.ceil(count / 3)) },
    { host: `${host}, slim`, starts: slimStarts },
  ];
}
