/**
 * `npm run test:runtimes`: the packed package in every environment that we know of, with the same bits in all of them.
 *
 *   node test/runtime/run.mjs [--only name,name] [--install] [--json file] [--tarball file] [--jobs N] [--list]
 *
 * Packs the tarball, installs it in temporary folders, and runs suite.js in each environment. One line per environment;
 * all of it as JSON in build/runtimes.json (`--json` names another file; with `--only` nothing is written unless it does).
 * `--only` takes the beginnings of names: `--only node-22,deno`. A host that brings no report gets a second try, and its line
 * says so. An environment that is not on the machine is reported as missing, never as passed; with CI=true in the environment
 * variables missing means failed. `--install` installs what is missing first: Debian packages (as root), pinned npm and PyPI
 * packages in the user's cache folder. `--tarball` takes one that is packed already.
 *
 * ## How environments plug in
 *
 * Every environments/*.mjs is imported, in alphabetical order, and exports
 *
 *   export const environments = [{
 *     name: "jsdom",             // for --only and JSON; lower case with dashes, unique, the host first
 *     host: "jsdom",             // row in the table of environments: "Node", "Chromium", "vite"
 *     way: "IIFE script",        // what is special in this one: "require()", "service worker", "build"
 *     entry: ".",                // the entry of the package: ".", "./slim", "./iife", …
 *     backend: "wasm-simd128",   // the backend that must be used there: another one is a failure
 *     needs: [jsdom],            // see below; default []
 *     seconds: 60,               // time limit; default 120
 *     exclusive: false,          // true: nothing else runs meanwhile
 *     notCovered: undefined,     // a reason: listed with it, never run; is neither passed nor missing
 *     async run(kit) { return { version, report }; },
 *   }];
 *   export async function close() {}     // optional; after the last environment: end shared browsers, servers
 *
 * `run` brings the suite to run and returns the version of the host and what the suite returned (the object, or its
 * JSON). It throws if it cannot; the error's message becomes the reason. The runner judges the report: backend, CRC-32,
 * every result. Version: "22.23.3", no name before it, except where one host contains another ("30.2.0, Node 20.20.2").
 *
 * `needs` are what must be on the machine, from needs.mjs:
 *
 *   const jsdom = npm({ jsdom: "29.0.1" });         // one cache folder per set of pinned packages
 *     jsdom.folder                                  // the folder with node_modules
 *     jsdom.bin("vite")                             // path of a command of theirs
 *     jsdom.url("jsdom")                            // address of their module, for an import in another process
 *     await jsdom.import("jsdom")                   // their module, in this process
 *   const jsc = apt("libjavascriptcoregtk-4.0-bin", "/usr/bin/jsc");            // jsc.path
 *   const python = pip({ wasmtime: "50.0.1" });     // a virtual environment; python.path
 *
 * `kit`, from kit.mjs, is made for each environment:
 *
 *   kit.root, kit.tarball        // the checkout; the packed tarball's absolute path
 *   await kit.folder({ "main.mjs": "…" })
 *        // a fresh temporary folder with package.json, node_modules/rmsprop-wasm (as npm installs it), suite.js (ESM),
 *        // suite.iife.js (defines the global `suite`) and the files given; it is removed after the run
 *   await kit.execute(command, args, { cwd, env, input })
 *        // its standard output; an error with the end of its output if it fails or exceeds the time limit
 *   kit.report(text)             // the report in a text that has it on a line of its own (as suite prints it)
 *   await kit.bundle(folder, code, { format: "esm" | "iife", conditions: [], external })
 *        // rollup: one script from a module that lies in that folder and imports "rmsprop-wasm" and "./suite.js"
 *   kit.file(entry, conditions)  // the entry's file in that folder: "node_modules/rmsprop-wasm/dist/index.js"
 *   kit.main(entry, from)        // the usual main module: imports the entry (or `from`) and the suite, prints the report
 *   kit.storing(path)            // the same, and checkpoints as files: `storage` of storage.js adds its result
 *   kit.print                    // its last part alone, for a script with the report, or its JSON, in `report`
 *   kit.signal                   // aborted at the time limit; for what kit.execute does not run
 *
 * In whatever way, an environment calls `suite(namespace, options)` of suite.js with the package's namespace object and
 * gets the report: { backend, crc, counts, results: [{ name, ok, detail }] }. It is synchronous and prints nothing.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { complaint } from "./judge.mjs";
import { createKit, prepare } from "./kit.mjs";
import { install, isCI } from "./needs.mjs";
import { CRC } from "./suite.js";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "string" },
    tarball: { type: "string" },
    jobs: { type: "string", default: "2" },
    install: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

/** @import { Environment, EnvironmentModule, EnvironmentResult, Prepared } from "./types.js" */

const here = import.meta.dirname;

async function load() {
  const names = (await readdir(join(here, "environments"))).filter((name) => name.endsWith(".mjs")).sort();
  /** @type {EnvironmentModule[]} */
  const modules = await Promise.all(names.map((name) => import(new URL(`environments/${name}`, import.meta.url).href)));
  const environments = modules.flatMap((module) => module.environments);
  const all = environments.map(({ name }) => name);
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice) throw new Error(`Two environments are called ${twice}.`);
  return { environments, close: () => Promise.all(modules.map((module) => module.close?.())) };
}

/** @param {readonly Environment[]} environments */
function chosen(environments) {
  if (options.only === undefined) return environments;
  const beginnings = options.only.split(",").filter(Boolean);
  for (const beginning of beginnings) {
    if (!environments.some(({ name }) => name.startsWith(beginning)))
      throw new Error(`No environment's name begins with ${beginning}.`);
  }
  return environments.filter(({ name }) => beginnings.some((beginning) => name.startsWith(beginning)));
}

/**
 * @param {Environment} environment
 * @param {Prepared} prepared
 * @returns {Promise<EnvironmentResult>}
 */
async function run(environment, prepared) {
  const { name, host, way, entry, backend, needs = [], seconds = 120 } = environment;
  const result = { name, host, way, entry, backend, version: null, milliseconds: null };
  if (environment.notCovered) return { ...result, status: "not covered", reason: environment.notCovered };
  const missing = needs.filter((need) => !need.isInstalled());
  if (missing.length > 0) return { ...result, status: "missing", reason: missing.map(({ label }) => label).join(", ") };

  const kit = createKit(prepared, seconds);
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  try {
    const { version, report: given } = await kit.withinTime(environment.run(kit));
    const report = typeof given === "string" ? kit.report(given) : given;
    const reason = version ? complaint(report, backend) : "its version is not known";
    const { backend: used, crc, counts } = report;
    const seen = { version, backend: used, crc, counts, milliseconds: elapsed() };
    return { ...result, ...seen, status: reason ? "failed" : "ok", ...(reason !== undefined && { reason }) };
  } catch (error) {
    return {
      ...result,
      milliseconds: elapsed(),
      status: "failed",
      reason: error instanceof Error ? error.message : String(error),
    };
  } finally {
    await kit.dispose();
  }
}

/**
 * The same; a host that brought no report (a browser that did not start, a time limit) gets a second try. What did report
 * is judged as it is.
 *
 * @param {Environment} environment
 * @param {Prepared} prepared
 * @returns {Promise<EnvironmentResult>}
 */
async function runAgain(environment, prepared) {
  const first = await run(environment, prepared);
  if (first.status !== "failed" || first.version !== null) return first;
  print(first);
  const second = await run(environment, prepared);
  return second.status === "ok" ? { ...second, reason: `at the second try; the first: ${first.reason}` } : second;
}

/** @param {EnvironmentResult} result */
function print({ name, version, backend, milliseconds, status, reason }) {
  const isRun = milliseconds !== null;
  const time = isRun ? `${milliseconds} ms` : "";
  const cells = [
    name.padEnd(34),
    (version ?? "").padEnd(22),
    ((isRun && version && backend) || "").padEnd(13),
    time.padStart(9),
  ];
  console.log(
    `${status.padEnd(11)} ${cells.join(" ")}${reason ? `  ${reason.trim().replaceAll("\n", "\n        | ")}` : ""}`,
  );
}

/**
 * All of `environments`, `--jobs` at a time, those that want to be alone last.
 *
 * @param {readonly Environment[]} environments
 * @param {Prepared} prepared
 */
async function runAll(environments, prepared) {
  /** @type {Map<Environment, EnvironmentResult>} */
  const results = new Map();
  const one = async (/** @type {Environment} */ environment) => {
    const result = await runAgain(environment, prepared);
    results.set(environment, result);
    print(result);
  };
  const queue = environments.filter(({ exclusive }) => !exclusive);
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await one(next);
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(options.jobs)) }, worker));
  for (const environment of environments.filter(({ exclusive }) => exclusive)) await one(environment);
  return environments.flatMap((environment) => results.get(environment) ?? []);
}

async function main() {
  const { environments: all, close } = await load();
  const environments = chosen(all);
  if (options.list) {
    for (const { name, host, way, entry } of environments) console.log(`${name.padEnd(34)} ${host}, ${way}, ${entry}`);
    return;
  }
  if (options.install) await install(environments.flatMap(({ notCovered, needs = [] }) => (notCovered ? [] : needs)));

  const started = performance.now();
  const prepared = await prepare(options.tarball === undefined ? undefined : resolve(options.tarball));
  /** @type {EnvironmentResult[]} */
  let results;
  try {
    results = await runAll(environments, prepared);
  } finally {
    await close();
    await prepared.dispose();
  }

  const json = options.json ?? (options.only === undefined ? "build/runtimes.json" : undefined);
  if (json) {
    const file = resolve(json);
    const about = {
      package: `${prepared.manifest.name} ${prepared.manifest.version}`,
      date: new Date().toISOString(),
      platform: `${process.platform} ${process.arch}`,
    };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ ...about, crc: CRC, results }, null, 2)}\n`);
  }
  const failures = results.filter(({ status }) => status === "failed" || (isCI && status === "missing"));
  if (failures.length > 0 && results.length > failures.length) {
    console.log("Not passed:");
    failures.forEach(print);
  }
  const count = (/** @type {string} */ status) => results.filter((result) => result.status === status).length;
  const counts = ["ok", "failed", "missing", "not covered"].map((status) => `${count(status)} ${status}`);
  console.log(`${counts.join(", ")}; ${Math.round((performance.now() - started) / 1000)} s`);
  if (failures.length > 0) process.exitCode = 1;
  if (!isCI && count("missing") > 0) console.log("`npm run test:runtimes -- --install` installs what is missing.");
}

await main();
