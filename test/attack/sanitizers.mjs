// The crate's own tests as native code under AddressSanitizer and ThreadSanitizer, with the standard library rebuilt: memory errors
// and data races in the few lines of `unsafe`, with other random numbers in each case. Those of memory and threads in Miri as well,
// which interprets them and knows what the language leaves undefined.
//
// What cannot run here says so: the sanitizers need rustup's component rust-src, Miri needs that and its own in a nightly toolchain,
// since stable Rust has none.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import * as fc from "fast-check";
import { environment, root } from "../../scripts/tools.mjs";

const triples = /** @type {Partial<Record<string, string>>} */ ({
  "linux x64": "x86_64-unknown-linux-gnu",
  "linux arm64": "aarch64-unknown-linux-gnu",
  "darwin x64": "x86_64-apple-darwin",
  "darwin arm64": "aarch64-apple-darwin",
});
const triple = triples[`${process.platform} ${process.arch}`];

/**
 * @typedef {object} Checker
 * @property {string} name
 * @property {string[]} command
 * @property {NodeJS.ProcessEnv} env
 * @property {string[]} [tests] Which; default: all.
 */

/**
 * @param {string} name
 * @param {"address" | "thread"} kind
 * @returns {Checker}
 */
const sanitizer = (name, kind) => ({
  name,
  command: ["test", "-Zbuild-std", "--target", triple ?? "unknown"],
  // The flags are stable Rust's own, only not yet for everyone.
  env: { ...environment([`-Zsanitizer=${kind}`]), RUSTC_BOOTSTRAP: "1" },
});

/** @type {Checker} */
const miri = {
  name: "Miri",
  command: ["+nightly", "miri", "test"],
  // Random numbers come from the environment.
  env: { ...environment(), MIRIFLAGS: "-Zmiri-disable-isolation" },
  // Those that reach `unsafe`: an interpreter takes minutes for the others.
  tests: ["memory::buffer", "threads"],
};

const checkers = [sanitizer("AddressSanitizer", "address"), sanitizer("ThreadSanitizer", "thread"), miri];

/**
 * Runs the tests, or with `--no-run` builds them.
 *
 * @param {Checker} checker
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [more]
 */
function run({ name, command, env }, args, more) {
  const folder = join(root, "target", name.toLowerCase());
  const settings = ["--quiet", "--package", "rmsprop", "--lib", "--features", "threads", "--target-dir", folder];
  const { status, stdout, stderr, error } = spawnSync("cargo", [...command, ...settings, ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...env, ...more },
  });
  return { works: status === 0, output: error?.message ?? `${stdout}${stderr}` };
}

/** @param {string} output */
const reason = (output) =>
  output.split("\n").find((line) => line.startsWith("error")) ?? output.trim().split("\n").at(-1);

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "sanitizers",
  what: "the crate's tests under AddressSanitizer and ThreadSanitizer, and in Miri",
  property() {
    const working = checkers.filter((checker) => {
      const { works, output } = run(checker, ["--no-run"]);
      console.log(`  ${checker.name} ${works ? "runs" : `cannot run here: ${reason(output)}`}`);
      return works;
    });
    // Another seed is no smaller one.
    return fc.property(fc.noShrink(fc.nat()), (seed) => {
      for (const checker of working) {
        const numbers = { PROPTEST_RNG_SEED: String(seed), PROPTEST_CASES: "256" };
        const { works, output } = run(checker, ["--", ...(checker.tests ?? [])], numbers);
        if (!works) throw new Error(`${checker.name}, PROPTEST_RNG_SEED=${seed}:\n${output.slice(-8000)}`);
      }
    });
  },
};
