// Brings a fresh clone to where it can be built: npm packages, the wasm target, wasm-pack, wasm-bindgen.
// Says what it does and how far it is, does nothing twice, and answers a missing prerequisite with its cure.
//
// The npm scripts that build start it by themselves, not as a dependency among wireit's: wireit is one of the npm packages
// that it installs. Where nothing is missing it takes a tenth of a second.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, home, isInstalled, root, tools } from "./tools.mjs";

/** What the user can cure: printed as one sentence, without a stack. */
class Missing extends Error {}

const started = performance.now();
/** @param {number} since */
const seconds = (since) => `${Math.round((performance.now() - since) / 1000)} s`;
const steps = 2 + tools.length + 1;
let worked = false;

/**
 * One step of the set-up on one line: redrawn on a terminal, repeated every ten seconds elsewhere.
 *
 * @param {number} step
 * @param {string} title
 */
function progress(step, title) {
  const since = performance.now();
  const isTerminal = process.stdout.isTTY;
  let printed = Number.NEGATIVE_INFINITY;
  /**
   * @param {string} what
   * @param {boolean} last
   */
  const show = (what, last) => {
    const line = `[${step}/${steps}] ${title}: ${what}`;
    if (isTerminal) process.stdout.write(`\r\x1b[K${line}${last ? "\n" : ""}`);
    else if (last || performance.now() - printed > 10_000) {
      printed = performance.now();
      console.log(line);
    }
  };
  worked = true;
  return {
    /** @param {string} what */
    update: (what) => show(`${what}, ${seconds(since)}`, false),
    /** @param {string} what */
    end: (what) => show(`${what}, ${seconds(since)}`, true),
  };
}

/** @type {[RegExp, string][]} */
const cures = [
  [
    /linker .?(cc|link\.exe).? not found/i,
    "A C linker is missing: install one (on Debian and Ubuntu: apt install build-essential)",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|resolve host|could not connect|network failure|no network/i,
    "The network cannot be reached: connect (or set a proxy)",
  ],
  [/ENOSPC|No space left/i, "The disk is full: make room"],
];

/**
 * Runs a command whose output nobody needs unless it fails.
 *
 * @param {ReturnType<typeof progress>} line
 * @param {string} command
 * @param {string[]} args
 * @param {(output: string) => string} describe Turns the output so far into progress.
 */
async function run(line, command, args, describe) {
  const child = spawn(command, args, {
    cwd: root,
    env: {
      ...environment(),
      CARGO_TERM_PROGRESS_WHEN: "always",
      CARGO_TERM_PROGRESS_WIDTH: "100",
      CARGO_TERM_COLOR: "never",
    },
    shell: process.platform === "win32" && command === "npm",
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  line.update(describe(""));
  const timer = setInterval(() => line.update(describe(output)), 250);
  const failed = await new Promise((resolve) => {
    child.on("error", () => resolve(true));
    child.on("close", (code) => resolve(code !== 0));
  });
  clearInterval(timer);
  if (!failed) return line.end("done");
  line.end("failed");
  const cure = cures.find(([pattern]) => pattern.test(output));
  if (cure) throw new Missing(`${cure[1]}, then run the same command again.`);
  const lines = output.split(/[\r\n]+/).filter((text) => text.trim() && !/^ +Building \[/.test(text));
  const ends = lines.length > 24 ? [...lines.slice(0, 8), "…", ...lines.slice(-16)] : lines;
  throw new Missing(`\`${[command, ...args].join(" ")}\` failed:\n${ends.join("\n")}`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Missing(`Node ${process.versions.node} is too old: install Node 20.19 or newer (https://nodejs.org).`);
}

/** @param {number} step */
async function setUpRust(step) {
  const target = "wasm32-unknown-unknown";
  const rustc = spawnSync("rustc", ["--print", "target-libdir", "--target", target], { cwd: root, encoding: "utf8" });
  const cargo = spawnSync("cargo", ["--version"], { cwd: root, encoding: "utf8" });
  if (rustc.error || cargo.error) {
    throw new Missing(
      "cargo is missing: install Rust from https://rustup.rs, open a new terminal and run the same command again.",
    );
  }
  if (rustc.status !== 0 || cargo.status !== 0) {
    const says = (rustc.stderr || cargo.stderr).trim().split("\n")[0];
    throw new Missing(`Rust's stable toolchain is not usable (${says}): run \`rustup toolchain install stable\`.`);
  }
  const library = rustc.stdout.trim();
  if (existsSync(library) && readdirSync(library).length > 0) return;
  if (spawnSync("rustup", ["--version"]).error) {
    throw new Missing(
      `The Rust target ${target} is missing and there is no rustup to add it: install it with your package manager, or Rust from https://rustup.rs.`,
    );
  }
  await run(progress(step, `Rust target ${target}`), "rustup", ["target", "add", target], () => "downloading");
}

/** @param {number} step */
async function setUpPackages(step) {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const stamp = join(root, "node_modules", ".rmsprop-wasm-setup");
  const wanted = createHash("sha256").update(lock).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  /** @param {{ os?: string[], cpu?: string[] }} entry */
  const isForHere = ({ os, cpu }) => (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
  const { "": _self, ...packages } = JSON.parse(lock).packages;
  const folders = Object.keys(packages).filter((folder) => isForHere(packages[folder]));
  /** @param {string} folder */
  const isThere = (folder) => existsSync(join(root, folder, "package.json"));
  // Retries in quick succession: without a network nobody wants to wait two minutes for the answer.
  const retries = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"];
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error", ...retries];
  const describe = () => `installing, ${folders.filter(isThere).length} of about ${folders.length}`;
  await run(progress(step, "npm packages"), "npm", args, describe);
  writeFileSync(stamp, wanted);
}

/**
 * @param {number} step
 * @param {import("./tools.mjs").Tool} tool
 */
async function setUpTool(step, tool) {
  if (isInstalled(tool)) return;
  const line = progress(step, `${tool.command} ${tool.version}`);
  // A debug build: it starts a few milliseconds later and is there minutes earlier.
  const args = ["install", tool.crate, "--version", tool.version, "--debug", ...tool.flags, "--root", home(tool)];
  await run(line, "cargo", args, (output) => {
    const position = [...output.slice(-4000).matchAll(/Building \[.*?\] (\d+)\/(\d+)/g)].at(-1);
    return position ? `compiling, crate ${position[1]} of ${position[2]}` : "downloading its sources";
  });
}

try {
  checkNode();
  await setUpRust(2);
  await setUpPackages(3);
  for (const [index, tool] of tools.entries()) await setUpTool(4 + index, tool);
  console.log(worked ? `Set up in ${seconds(started)}.` : "Set-up: nothing to do.");
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
