// The tools that npm does not bring: which ones, in which version, and where they are found.
// Zero dependencies: set-up imports this before `npm ci` has run.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Biome's script, for Node: `npx` is a command file on Windows, which only a shell runs. */
export const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");

/**
 * wasm-bindgen's command refuses modules compiled against any other version of its crate: the lock file knows which.
 *
 * @param {string} crate
 */
function lockedVersion(crate) {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const found = new RegExp(`name = "${crate}"\\r?\\nversion = "(.+)"`).exec(lock);
  if (found === null) throw new Error(`Cargo.lock has no ${crate}`);
  return found[1];
}

/** @typedef {{ command: string, crate: string, version: string, flags: readonly string[] }} Tool */

/** @type {readonly Tool[]} */
export const tools = [
  { command: "wasm-pack", crate: "wasm-pack", version: "0.15.1", flags: ["--locked"] },
  // Not --locked: the lock file of 0.2.130, the newest release, asks for webpki-roots 1.0.11 (through ureq), and the index
  // of crates.io ends at 1.0.10, so cargo refuses it. To be tried again with each newer release.
  { command: "wasm-bindgen", crate: "wasm-bindgen-cli", version: lockedVersion("wasm-bindgen"), flags: [] },
];

/**
 * Where set-up puts a tool. The version is part of the path, so checkouts with different needs do not quarrel.
 *
 * @param {Tool} tool
 */
export function home({ crate, version }) {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "rmsprop-wasm", `${crate}-${version}`);
}

const suffix = process.platform === "win32" ? ".exe" : "";
/** @param {Tool} tool */
const isCached = (tool) => existsSync(join(home(tool), "bin", tool.command + suffix));

/** @param {Tool} tool */
function isOnPath({ command, version }) {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return stdout?.trim().split(" ").at(-1) === version;
}

/** @param {Tool} tool */
export const isInstalled = (tool) => isCached(tool) || isOnPath(tool);

/**
 * The environment in which cargo and the tools run: cached tools first on PATH, and nothing in the user's settings that
 * would change what is compiled.
 *
 * @param {readonly string[]} [rustflags] Replaces those of every configuration file.
 * @returns {NodeJS.ProcessEnv}
 */
export function environment(rustflags) {
  /** @type {NodeJS.ProcessEnv} */
  const { RUSTFLAGS, CARGO_ENCODED_RUSTFLAGS, CARGO_BUILD_TARGET, ...env } = process.env;
  const folders = tools.filter(isCached).map((tool) => join(home(tool), "bin"));
  env.PATH = [...folders, env.PATH].join(delimiter);
  if (rustflags !== undefined) env.CARGO_ENCODED_RUSTFLAGS = rustflags.join("\x1f");
  return env;
}
