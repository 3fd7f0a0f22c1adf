/**
 * `npm run test:keras`: this package against the real Keras, bit for bit, on cases drawn at random.
 *
 *   node test/keras/run.mjs [--seed N] [--cases N] [--only ID] [--keep]
 *
 * parity.py draws the cases and runs them through Keras, replay.test.ts replays them on both backends, and parity.py lets
 * Keras read the configurations and stores that were written. interop.py and interop.test.ts hand trainings to and fro,
 * and round_trip.py a model to TensorFlow.js and back. The seed is fixed unless given, so that a run can be repeated.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";

const here = import.meta.dirname;
const root = join(here, "..", "..");
const environment = join(root, ".venv-keras");
const requirements = join(here, "requirements.txt");
const parity = join(here, "parity.py");
const interop = join(here, "interop.py");
const roundTrip = join(here, "round_trip.py");

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: process.env.RMSPROP_KERAS_SEED ?? "1" },
    cases: { type: "string", default: process.env.RMSPROP_KERAS_CASES_COUNT ?? "200" },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

class Failure extends Error {}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Omit<import("node:child_process").SpawnSyncOptionsWithStringEncoding, "encoding">} [settings]
 */
function run(command, args, settings = {}) {
  return spawnSync(command, args, { cwd: root, encoding: "utf8", ...settings });
}

/**
 * Runs with its output shown; a failure ends the whole run with one sentence.
 *
 * @param {string} sentence
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function must(sentence, command, args, env = {}) {
  const { status } = run(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (status !== 0) throw new Failure(sentence);
}

// --- Python -------------------------------------------------------------------------------------------------------------

function findPython() {
  const candidates = [process.env.PYTHON, "python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"];
  for (const candidate of candidates) {
    if (!candidate) continue;
    const { status, stdout } = run(candidate, ["-c", "import sys; print(*sys.version_info[:2])"]);
    if (status !== 0) continue;
    const [major, minor] = stdout.trim().split(" ").map(Number);
    if (major === 3 && minor >= 11) return { python: candidate, version: `${major}.${minor}` };
  }
  throw new Failure(
    "Keras needs Python 3.11 or newer: install python3 with python3-venv, or set PYTHON to one that is there.",
  );
}

/** A virtual environment of its own, made once and again only when the requirements or the Python change. */
function ensureEnvironment() {
  const { python, version } = findPython();
  const inside = join(environment, ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]));
  const stamp = join(environment, "ready");
  const wanted = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && run(inside, ["-c", ""]).status === 0) {
    console.log(`[1/7] ${relative(root, environment)} is ready (Python ${version})`);
    return inside;
  }
  console.log(`[1/7] installing Keras into ${relative(root, environment)} (Python ${version}); about a minute, once`);
  rmSync(environment, { recursive: true, force: true });
  must("No virtual environment could be made: install python3-venv.", python, ["-m", "venv", environment]);
  writeFileSync(join(environment, ".gitignore"), "*\n");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  must("Keras could not be installed: is the Python package index reachable?", inside, pip);
  writeFileSync(stamp, wanted);
  return inside;
}

/**
 * As the vectors were recorded: Keras on NumPy, pow/cos/log from libm, and nothing written outside the temporary folder.
 *
 * @param {string} folder
 */
function pythonEnvironment(folder) {
  const { meta } = JSON.parse(readFileSync(join(root, "test", "golden", "schedules.json"), "utf8"));
  return {
    KERAS_BACKEND: "numpy",
    KERAS_HOME: join(folder, "keras"),
    NPY_DISABLE_CPU_FEATURES: meta.npy_disable_cpu_features,
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

// --- the run ------------------------------------------------------------------------------------------------------------

/**
 * @param {string} folder
 * @param {string} reproduce
 */
function replay(folder, reproduce) {
  const manifest = createRequire(import.meta.url).resolve("vitest/package.json");
  const vitest = join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.vitest);
  const args = [vitest, "run", "--config", join(here, "vitest.config.ts"), "--reporter", "tree"];
  const env = { ...process.env, RMSPROP_KERAS_CASES: folder, RMSPROP_KERAS_REPRODUCE: reproduce };
  const { status } = run(process.execPath, args, { stdio: "inherit", env });
  if (status === 0) return;
  const differences = join(folder, "differences.txt");
  if (!existsSync(differences))
    throw new Failure("The cases could not be replayed: is the package built (npm run build)?");
  throw new Failure(`Bits differ from Keras; the first cases:\n\n${readFileSync(differences, "utf8")}`);
}

/**
 * The example: once with no training in TensorFlow.js, and once with it.
 *
 * @param {string} python
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
function throughTfjs(python, folder, env) {
  // NumPy's backend of Keras does not train.
  const training = { ...env, KERAS_BACKEND: "jax" };
  const main = join(root, "build", "examples", "keras-tfjs", "main.js");
  must("The examples could not be compiled.", "npm", ["run", "--silent", "examples"]);
  must("Keras did not train the model.", python, [roundTrip, "begin", folder], training);
  for (const [step, epochs] of [
    ["unchanged", "0"],
    ["trained", "4"],
  ]) {
    must("TensorFlow.js did not take the model.", process.execPath, [main, folder, epochs]);
    must("The model changed on the way (above).", python, [roundTrip, step, folder], training);
  }
}

function main() {
  const { seed, cases, only } = options;
  for (const [name, value] of Object.entries({ seed, cases })) {
    if (!/^\d+$/.test(value)) throw new Failure(`--${name} must be a whole number, not ${value}.`);
  }
  const reproduce = `node test/keras/run.mjs --seed ${seed} --cases ${cases}`;
  console.log(`Comparison with Keras: seed ${seed}, ${cases} cases${only ? `, only ${only}` : ""}`);
  const folder = mkdtempSync(join(tmpdir(), "rmsprop-keras-"));
  try {
    const python = ensureEnvironment();
    const env = pythonEnvironment(folder);
    console.log("[2/7] does this machine's Keras reproduce the recorded vectors?");
    must("Nothing was compared.", python, [parity, "check", join(root, "test", "golden")], env);
    console.log("[3/7] drawing cases and running them through Keras");
    must("No cases were drawn.", python, [parity, "draw", folder, seed, cases, ...(only ? [only] : [])], env);
    must("No models were saved.", python, [interop, "save", folder], env);
    console.log("[4/7] replaying them on both backends");
    replay(folder, reproduce);
    console.log("[5/7] Keras reads the configurations and stores written here");
    must("Keras does not read what was written here as its own (above).", python, [parity, "judge", folder], env);
    console.log("[6/7] Keras goes on with trainings that were moved here and back");
    must("Moving changed a training (above).", python, [interop, "judge", folder], env);
    console.log("[7/7] a model goes to TensorFlow.js and back");
    throughTfjs(python, folder, env);
    console.log(`Equal in every bit: seed ${seed}, ${cases} cases.`);
  } finally {
    if (options.keep) console.log(`The cases are in ${folder}.`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
