// Where a cold start in Node goes: what the entry takes, and what of it the host and the engine take for its files and its module.
import { summary } from "../statistics.mjs";
import { dist, entries, fresh, here } from "./node.mjs";

/** @typedef {Record<string, number>} Times Milliseconds by the name of a part. */
/** @typedef {{ entry: Times, engine: Times }} Start What two fresh processes measured: parts-child.mjs and engine-child.mjs. */

/** @param {Start} start */
const firstStep = ({ entry: { init, runtime, variable, optimizer, build, step } }) =>
  init + runtime + variable + optimizer + build + step;

/** @param {Start} start */
const ofEngine = ({ engine: { decode = 0, compile, instance, calls } }) => decode + compile + instance + calls;

/** @type {readonly (readonly [title: string, of: (start: Start) => number])[]} */
const PARTS = [
  ["**Import**", ({ entry }) => entry.import],
  ["Node's loader, for a file of one line", ({ entry }) => entry.empty],
  ["reading", ({ engine }) => engine.read],
  ["parsing", ({ engine }) => engine.parse],
  ["linking, running the top level", ({ entry, engine }) => entry.import - entry.empty - engine.read - engine.parse],
  ["**First step**", firstStep],
  ["decoding the module's text", ({ engine }) => engine.decode ?? 0],
  ["compiling: the engine validates the module", ({ engine }) => engine.compile],
  ["an instance, its memory", ({ engine }) => engine.instance],
  ["first calls in the module: the engine compiles each function", ({ engine }) => engine.calls],
  [
    "first calls of JavaScript: the engine parses and compiles each function",
    (start) => firstStep(start) - ofEngine(start),
  ],
];

/**
 * Medians and quartiles of `count` cold starts of each entry.
 *
 * @param {number} count
 * @returns {Promise<import("../types.js").StartupPart[]>}
 */
export async function parts(count) {
  const [entryChild, engineChild] = [here("parts-child.mjs"), here("engine-child.mjs")];
  /** @type {Record<"index" | "slim", Start[]>} */
  const starts = { index: [], slim: [] };
  for (let i = 0; i < count; i++) {
    for (const name of /** @type {const} */ (["index", "slim"])) {
      const files = entries[name].files.map(dist);
      const flags = ["--experimental-vm-modules", "--no-warnings"];
      const entry = await fresh([entryChild, ...entries[name].args]);
      const engine = await fresh([...flags, engineChild, name, dist("rmsprop.wasm"), ...files]);
      starts[name].push({ entry, engine });
    }
  }
  return PARTS.map(([title, of]) => ({
    title,
    index: summary(starts.index.map(of)),
    slim: summary(starts.slim.map(of)),
  }));
}
