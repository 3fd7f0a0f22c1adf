// What JSR would say of the last build: is everything public documented, and would it be accepted?
// Deno is the one of `npm run test:runtimes`, installed where it is missing.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { deno, install } from "../test/runtime/needs.mjs";
import { root } from "./tools.mjs";

await install([deno]);

const { exports } = JSON.parse(readFileSync(new URL("../jsr.json", import.meta.url), "utf8"));
const entries = /** @type {string[]} */ (Object.values(exports)).filter((path) => path.endsWith(".js"));

for (const args of [
  ["doc", "--lint", ...entries],
  // Says what it would publish. `--allow-dirty`: to be run before a commit too.
  ["publish", "--dry-run", "--allow-dirty"],
]) {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" };
  const { status } = spawnSync(deno.bin("deno"), args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
