// examples/distributed ends with the bits of one process, though parts are killed on the way.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { chromium, closeBrowsers } from "../runtime/environments/browser/drivers.mjs";
import { needing } from "./needs.js";

const main = fileURLToPath(new URL("../../build/examples/distributed/main.js", import.meta.url));

it.each([
  ["replica", []],
  ["peer 1", ["--peers"]],
])("the digits over many processes, %s killed", { timeout: 180_000 }, (victim, flags) => {
  expect(existsSync(main), "npm run examples").toBe(true);
  const said = execFileSync(process.execPath, [main, "--kill", ...flags], { encoding: "utf8" });
  expect(said).toMatch(new RegExp(`${victim} +killed`));
  const [, many] = /many processes: (.*)/.exec(said)!;
  const [, one] = /one process: +(.*)/.exec(said)!;
  expect(many).toBe(one);
});

/** What the page says when its part is over. */
async function pageOf(address: string): Promise<string> {
  const page = await (await chromium.browser()).newPage();
  const failures: unknown[] = [];
  page.on("pageerror", (error) => failures.push(error));
  await page.goto(address, { timeout: 0 });
  for (;;) {
    const words = String(await page.evaluate("document.body.textContent"));
    if (/gradients appended/.test(words)) return words;
    if (failures.length > 0) throw new Error(`The page says "${words}": ${failures.join("; ")}`);
    await new Promise((next) => setTimeout(next, 100));
  }
}

const { name, isMissing } = needing("and a page takes part", chromium.needs);
it.skipIf(isMissing)(name, { timeout: 180_000 }, async () => {
  expect(existsSync(main), "npm run examples").toBe(true);
  // A group of its own: a failure ends the server and the parts too.
  const child = spawn(process.execPath, [main, "--page"], { detached: true });
  let said = "";
  const ended = once(child, "close");
  const opened = new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (text) => {
      said += text;
    });
    child.stdout.on("data", (text) => {
      said += text;
      const [address] = /http:\S+/.exec(String(text)) ?? [];
      if (address) pageOf(address).then(resolve, reject);
    });
    ended.then(() => {
      if (!/http:\S+/.test(said)) reject(new Error(`It names no page (npm run examples):\n${said}`));
    }, reject);
  });
  try {
    const [[code], words] = await Promise.all([ended, opened]);
    expect(code, said).toBe(0);
    expect(words).toMatch(/^This page computes. .*[1-9]\d* gradients appended/);
  } finally {
    if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
    await closeBrowsers();
  }
});
