// Cold starts in Node, each in a fresh process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const child = fileURLToPath(new URL("child.mjs", import.meta.url));
const entry = new URL("../../dist/index.js", import.meta.url).href;

async function start(...flags) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, entry]);
  return JSON.parse(stdout);
}

/** What the engine's two tiers make of a step when each is all there is, in milliseconds per step of 4,096 parameters. */
async function tiers(count) {
  const [baseline, optimizing] = [[], []];
  for (let i = 0; i < count; i++) {
    baseline.push((await start("--liftoff", "--no-wasm-tier-up")).optimized);
    optimizing.push((await start("--no-liftoff")).optimized);
  }
  return { baseline, optimizing };
}

export async function node(count) {
  const starts = [];
  for (let i = 0; i < count; i++) starts.push(await start());
  return { host: `Node ${process.versions.node}`, starts, tiers: await tiers(Math.ceil(count / 3)) };
}
