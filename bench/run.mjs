/**
 * `npm run bench`: this package side by side with its peers, in one interleaved run.
 *
 *   node bench/run.mjs [--quick] [--python] [--peers] [--check] [--only TEXT] [--json FILE] [--report FILE]
 *
 * `--quick` measures less, in two minutes. `--python` adds PyTorch, jax and Keras, and installs them into .venv-bench
 * first; `--peers` adds burn and candle-optimisers, and compiles them. `--check` ends with an error if a goal of goals.mjs
 * is missed by more than the noise. `--only` measures only the matches whose names contain the text: "regimes", "16M",
 * "momentum", "growth"; or "memory", "start-up".
 *
 * Everything measured is in bench/results/latest.json (`--json` names another file); `npm run docs:benchmarks -- NAME` keeps
 * it beside the other runs there and writes docs/benchmarks.md. `--report` measures nothing and prints the tables of a run
 * that was kept. The run fails if a contestant computes other values than the reference.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/tools.mjs";
import { contestants, present } from "./contestants.mjs";
import { buildNative, buildRustPeers, installPeers, installPython } from "./install.mjs";
import { judge } from "./judge.mjs";
import { machine } from "./machine.mjs";
import { effort, growth, matches } from "./matches.mjs";
import { Contestant } from "./process.mjs";
import { fullReport } from "./report/full.mjs";
import { read } from "./report/runs.mjs";
import { measure } from "./rounds.mjs";
import { parts } from "./startup/parts.mjs";
import { startup } from "./startup/run.mjs";
import { optionsOf, workloads } from "./workloads.mjs";

/** @import { Effort, Match, Regime, Resolved, Run, Workload } from "./types.js" */

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    python: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    only: { type: "string" },
    json: { type: "string", default: join(root, "bench", "results", "latest.json") },
    report: { type: "string" },
  },
});

const messageOf = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

const started = performance.now();
const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;

/**
 * One line that is redrawn on a terminal, and nothing but the title elsewhere.
 *
 * @param {string} title
 */
function progress(title) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${seconds()}  ${title}` : `${seconds()}  ${title}\n`);
}

/** @type {Map<string, Contestant>} */
const running = new Map();

/**
 * The contestant's process, started when it is first wanted, and again if it ended.
 *
 * @param {string} name
 * @returns {Promise<Contestant>}
 */
async function contestant(name) {
  const started = running.get(name) ?? (await Contestant.start(name, contestants[name]));
  running.set(name, started);
  return started;
}

/**
 * Entries as rounds.mjs wants them. `again` is another model in the process of ours.
 *
 * @param {Match} match
 * @returns {Promise<Resolved[]>}
 */
async function resolve({ workload, configuration, regime, size, entries }) {
  /** @type {Resolved[]} */
  const resolved = [];
  for (const key of entries) {
    const [name, variant] = key.split("/");
    resolved.push({
      key,
      contestant: await contestant(name === "again" ? "ours" : name),
      sizes: size === undefined ? workloads[workload ?? /** @type {Workload} */ (variant)].sizes : String(size),
      regime: regime ?? /** @type {Regime} */ (variant),
      options: optionsOf(configuration),
      computes: contestants[name]?.computes ?? true,
    });
  }
  return resolved;
}

/** @param {Pick<Match, "name" | "workload" | "configuration" | "size">} match */
const nameOf = ({ name, workload, configuration, size }) =>
  [name, size === undefined ? workload : `${size} parameters`, configuration].filter(Boolean).join(", ");

/**
 * Measures matches one after the other. After one that fails, all contestants are started anew.
 *
 * @template {Match} M
 * @param {readonly M[]} list
 * @param {Effort} effort
 * @param {string[]} failures What went wrong is added.
 */
async function measureAll(list, effort, failures) {
  /** @type {(Omit<M, "entries"> & { entries: import("./types.js").Measured[] })[]} */
  const measured = [];
  for (const [i, match] of list.entries()) {
    progress(`[${i + 1}/${list.length}] ${nameOf(match)}`);
    try {
      const entries = await measure(await resolve(match), effort);
      const kept = entries.map(({ key, difference, nanoseconds }) => ({
        key,
        ...(difference !== undefined && { difference }),
        nanoseconds: nanoseconds.map((number) => Number(number.toPrecision(5))),
      }));
      measured.push({ ...match, entries: kept });
    } catch (error) {
      failures.push(`${nameOf(match)}: ${messageOf(error)}`);
      for (const each of running.values()) each.end();
      running.clear();
    }
  }
  return measured;
}

async function main() {
  if (!existsSync(join(root, "dist", "index.js"))) throw new Error("The package is not built: npm run build.");
  progress("installing");
  installPeers();
  if (options.python) installPython();
  if (options.peers) buildRustPeers();
  progress("compiling the crate as native code");
  buildNative();

  const { version, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const names = present({ withPython: options.python, withRust: options.peers, exports });
  const kind = options.quick ? effort.quick : effort.full;
  const isWanted = (/** @type {string} */ text) => options.only === undefined || text.includes(options.only);
  /**
   * @template {Match} M
   * @param {readonly M[]} list
   */
  const wanted = (list) => list.filter((match) => isWanted(nameOf(match)));
  /** @type {string[]} */
  const failures = [];
  const date = new Date().toISOString();
  const on = machine();
  const measured = {
    matches: await measureAll(wanted(matches(names, options.quick)), kind, failures),
    growth: await measureAll(wanted(growth(options.quick)), kind, failures),
  };
  const versions = Object.fromEntries([...running].map(([name, contestant]) => [name, contestant.versions]));
  for (const each of running.values()) each.end();
  if (isWanted("memory")) progress("memory");
  const memory = isWanted("memory") && { memory: (await import("./memory.mjs")).memory() };
  if (isWanted("start-up")) progress("start-up");
  const starts = isWanted("start-up") && {
    startup: await startup(options.quick),
    startupParts: await parts(options.quick ? 9 : 25),
  };
  /** @type {Run} */
  const run = {
    package: `rmsprop-wasm ${version}`,
    date,
    kind: options.quick ? "quick" : "full",
    effort: kind,
    machine: on,
    ...measured,
    versions,
    ...memory,
    ...starts,
    configurations: [...new Set(measured.matches.map(({ configuration }) => configuration))],
    goals: judge({ ...measured, ...starts }),
    failures,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  progress("done\n");

  console.log(fullReport(run));
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(run)}\n`);
  console.log(`\n${run.seconds} s; everything is in ${options.json}.`);

  for (const failure of failures) console.error(`FAILED  ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
  if (options.check) {
    const missed = run.goals.filter(({ verdict }) => verdict === "missed");
    for (const { title, measured } of missed) console.error(`MISSED  ${title}: ${measured?.toFixed(2)}`);
    if (missed.length > 0) process.exitCode = 1;
  }
}

try {
  if (options.report) console.log(fullReport(read(options.report)));
  else await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
} finally {
  for (const each of running.values()) each.end();
}
