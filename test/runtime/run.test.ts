// The runner's verdicts: what is missing or different has not passed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const { complaint } = await import(new URL("judge.mjs", import.meta.url).href);
const { CRC } = await import(new URL("suite.js", import.meta.url).href);

describe("a report", () => {
  const report = { backend: "js", crc: CRC, results: [{ name: "free", ok: true }] };

  it("passes if everything is as it must be", () => {
    expect(complaint(report, "js")).toBeUndefined();
  });

  it.each([
    ["another backend", { backend: "wasm-simd128" }, "the backend is wasm-simd128, not js"],
    ["other bits", { crc: "00000000" }, `the state's CRC-32 is 00000000, not ${CRC}`],
    ["a failure", { results: [...report.results, { name: "errors", ok: false, detail: "why" }] }, "errors: why"],
    ["nothing done", { results: [] }, "the suite did nothing"],
  ])("does not pass with %s", (_, difference, reason) => {
    expect(complaint({ ...report, ...difference }, "js")).toBe(reason);
  });
});

describe("an environment that is not on the machine", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ["", 0],
    ["true", 1],
  ])(
    "is missing, and with CI=%j the exit code is %i",
    (CI, code) => {
      const json = join(folder, "results.json");
      const run = fileURLToPath(new URL("run.mjs", import.meta.url));
      const env = { ...process.env, CI, XDG_CACHE_HOME: folder };
      const { status, stdout } = spawnSync(process.execPath, [run, "--only", "jsdom", "--json", json], {
        env,
        encoding: "utf8",
      });
      expect(stdout).toMatch(/^missing {5}jsdom .*jsdom@[\d.]+ from npm\n0 ok, 0 failed, 1 missing/);
      expect(JSON.parse(readFileSync(json, "utf8")).results).toMatchObject([{ name: "jsdom", status: "missing" }]);
      expect(status).toBe(code);
    },
    60_000,
  );
});
