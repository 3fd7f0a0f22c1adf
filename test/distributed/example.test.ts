// examples/distributed ends with the bits of one process, though a worker and the replica are killed on the way.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { chromium, closeBrowsers } from "../runtime/environments/browser/drivers.mjs";
import { needing } from "./needs.js";

const main = fileURLToPath(new URL("../../build/examples/distributed/main.js", import.meta.url));

it("the digits over many processes", { timeout: 180_000 }, () => {
  expect(existsSync(main), "npm run examples").toBe(true);
  const said = execFileSync(process.execPath, [main, "--kill"], { encoding: "utf8" });
  expect(said).toMatch(/replica +killed/);
  const [, many] = /many processes: (.*)/.exec(said)!;
  const [, one] = /one process: +(.*)/.exec(said)!;
  expect(many).toBe(one);
});

const { name, isMissing } = needing("and a page takes part", chromium.needs);
it.skipIf(isMissing)(name, { timeout: 180_000 }, async () => {
  const child = spawn(process.execPath, [main, "--page"]);
  let said = "";
  const opened = new Promise<unknown>((resolve) => {
    child.stdout.on("data", async (text) => {
      said += text;
      const [address] = /http:\S+/.exec(String(text)) ?? [];
      if (!address) return;
      const page = await (await chromium.browser()).newPage();
      await page.goto(address, { timeout: 0 });
      const words = () => page.evaluate("document.body.textContent");
      while (!/gradients appended/.test(String(await words()))) await new Promise((next) => setTimeout(next, 100));
      resolve(await words());
    });
  });
  const [code] = await once(child, "close");
  expect(code, said).toBe(0);
  expect(await opened).toMatch(/^This page computes. .*[1-9]\d* gradients appended/);
  await closeBrowsers();
});
