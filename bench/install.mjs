// What the benchmark needs and the package does not: peers from npm and PyPI in ignored folders of their own, and the
// crate compiled for this processor.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "../scripts/tools.mjs";

const windows = process.platform === "win32";
const peers = join(root, "bench", "peers");
const target = join(root, "target", "bench");
const venv = join(root, ".venv-bench");

export const python = join(venv, ...(windows ? ["Scripts", "python.exe"] : ["bin", "python"]));
export const rustPeers = join(target, "peers", "release", `rmsprop-rust-peers${windows ? ".exe" : ""}`);
export const native = join(target, "release", `rmsprop-bench${windows ? ".exe" : ""}`);

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} [settings]
 */
function run(command, args, settings) {
  const shell = windows && command === "npm";
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2], shell, ...settings });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? `status ${status}`}`);
}

/**
 * Runs `install` unless it ran for this text before.
 *
 * @param {string} stamp
 * @param {string | Uint8Array} text
 * @param {string} title
 * @param {() => void} install
 */
function once(stamp, text, title, install) {
  const wanted = createHash("sha256").update(text).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error(`installing ${title}`);
  install();
  writeFileSync(stamp, wanted);
}

export function installPeers() {
  const lock = readFileSync(join(peers, "package-lock.json"));
  once(join(peers, "node_modules", ".bench-stamp"), lock, "tfjs and jax-js from npm", () => {
    run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: peers });
  });
}

export function installPython() {
  const requirements = join(peers, "requirements.txt");
  const title = "PyTorch, jax and Keras from PyPI into .venv-bench: 6 GB and some minutes, once";
  once(join(venv, "stamp"), readFileSync(requirements), title, () => {
    rmSync(venv, { recursive: true, force: true });
    run(process.env.PYTHON ?? "python3", ["-m", "venv", venv]);
    run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]);
  });
}

/** 128-bit registers, as WebAssembly has: x86-64-v2 is SSE4.2 without AVX; other processors' default is what they have. */
const flags = process.arch === "x64" ? ["-Ctarget-cpu=x86-64-v2"] : [];

export function buildNative() {
  const env = { ...environment(flags), CARGO_TARGET_DIR: target };
  run("cargo", ["build", "--quiet", "--release", "--package", "rmsprop-bench"], { cwd: root, env });
}

/** Optimizers of other Rust libraries, with the same flags: 220 crates, some minutes, once. */
export function buildRustPeers() {
  const env = { ...environment(flags), CARGO_TARGET_DIR: join(target, "peers") };
  run("cargo", ["build", "--quiet", "--release", "--locked"], { cwd: join(peers, "rust"), env });
}
