// examples/distributed ends with the bits of one process, though a worker and the replica are killed on the way.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the digits over many processes", { timeout: 180_000 }, () => {
  const main = fileURLToPath(new URL("../../build/examples/distributed/main.js", import.meta.url));
  expect(existsSync(main), "npm run examples").toBe(true);
  const said = execFileSync(process.execPath, [main, "--kill"], { encoding: "utf8" });
  expect(said).toMatch(/replica +killed/);
  const [, many] = /many processes: (.*)/.exec(said)!;
  const [, one] = /one process: +(.*)/.exec(said)!;
  expect(many).toBe(one);
});
