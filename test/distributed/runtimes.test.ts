// Deno, Bun and browsers as the workers of a run, over WebSocket; a tab that is closed in the middle; the same over Ray. What is not
// installed is left out, and said so; DISTRIBUTED_RUNTIMES=all installs what its own files can, and leaves nothing out.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { save } from "rmsprop-wasm/checkpoint";
import { replicate, work } from "rmsprop-wasm/distributed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../free-port.mjs";
import { chromium, closeBrowsers, firefox, webkit } from "../runtime/environments/browser/drivers.mjs";
import { bun, deno, type Need, requirements } from "../runtime/needs.mjs";
import { needing } from "./needs.js";
import { makeScripts } from "./processes.js";
import { Server } from "./server.js";
import { compute, drained, everything, make, OneProcess, stateOf, type Training } from "./support.js";
import type { WebSocketPart } from "./websocket-worker.js";

const training: Training = { ...everything, dtype: "bfloat16" };
const UPDATES = 30;
const root = fileURLToPath(new URL("../../", import.meta.url));
const execute = promisify(execFile);

async function install(needs: readonly Need[]): Promise<void> {
  for (const need of needs) if (!need.isInstalled()) await need.install?.();
}

let server: Server;
let webSocket: number;
let page: string;
let scripts: URL;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  scripts = makeScripts();
  webSocket = await freePort();
  server = await Server.start(() => `websocket { listen: "127.0.0.1:${webSocket}", no_tls: true }`);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("websocket-worker.js", scripts))],
    ...{ bundle: true, format: "esm", write: false, platform: "browser", logLevel: "error" },
  });
  const script = outputFiles[0]!.text;
  const pages = createServer(({ url }, response) => {
    const isScript = url === "/worker.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : '<!doctype html><script type="module" src="worker.js"></script>');
  }).listen(0, "127.0.0.1");
  await once(pages, "listening");
  page = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`;
  closing.push(
    () => pages.close(),
    () => server.free(),
    () => closeBrowsers(),
  );
});
afterAll(async () => {
  for (const close of closing) await close();
});

const told = (run: string, delay = 0): string => {
  const { dtype, infinite, absent } = training;
  const address = `ws://127.0.0.1:${webSocket}`;
  const part: WebSocketPart = { address, run, gradients: { dtype, infinite, absent }, delay, patience: 500 };
  return JSON.stringify(part);
};

/** A run whose replica is this process, beside what `during` does. */
async function replicated<T>(run: string, during: () => Promise<T>): Promise<T> {
  const trained = make(training);
  const { log, connection } = await server.log(run);
  await log.create(save(trained.optimizer), { unit: 0 });
  const following = drained(replicate(log, trained.optimizer, { updates: UPDATES, stall: 1000, stallLimit: 10_000 }));
  const result = await during();
  const { events, error } = await following;
  expect(error).toBeUndefined();
  expect(events.at(-1)).toMatchObject({ type: "end", iterations: UPDATES });
  expect(stateOf(trained)).toBe(new OneProcess(training).until(events.at(-1)!.units).state);
  await connection.close();
  return result;
}

const program = (need: typeof deno, name: string, flags: readonly string[]) => async (run: string) => {
  const script = fileURLToPath(new URL("websocket-worker.js", scripts));
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1" };
  const { stdout } = await execute(need.bin(name), [...flags, script, told(run)], { env, cwd: root });
  return Number(stdout);
};
const browser = (driver: typeof chromium | typeof webkit) => async (run: string) =>
  Number((await driver.open(`${page}#${encodeURIComponent(told(run))}`, 100)).report);

const denoFlags = ["run", "--no-remote", "--node-modules-dir=manual", "--allow-net", "--allow-read", "--allow-env"];
const WORKERS: [string, readonly Need[], (run: string) => Promise<number>][] = [
  ["Deno", [deno], program(deno, "deno", denoFlags)],
  ["Bun", [bun], program(bun, "bun", ["run"])],
  ["Chromium", chromium.needs, browser(chromium)],
  ["Firefox", firefox.needs, browser(firefox)],
  ["WebKitGTK", webkit.needs, browser(webkit)],
];

describe("the only worker of a run is", () => {
  for (const [host, needs, start] of WORKERS) {
    const { name, isMissing } = needing(host, needs);
    it.skipIf(isMissing)(name, { timeout: 600_000 }, async () => {
      await install(needs);
      const appended = await replicated(`only-${host}`, () => start(`only-${host}`));
      expect(appended).toBeGreaterThanOrEqual(UPDATES * training.options.gradientAccumulationSteps!);
    });
  }
});

const tab = needing("a tab is closed in the middle: another worker gets its unit", chromium.needs);
it.skipIf(tab.isMissing)(tab.name, { timeout: 600_000 }, async () => {
  await install(chromium.needs);
  const open = await (await chromium.browser()).newPage();
  await replicated("tab", async () => {
    await open.goto(`${page}#${encodeURIComponent(told("tab", 200))}`, { timeout: 0 });
    // Its third unit is being computed.
    const units = async () => Number(await open.evaluate("globalThis.units ?? 0"));
    while ((await units()) < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    await open.close();
    const { log, connection } = await server.log("tab");
    expect(await work(log, (unit) => compute(training, unit), { patience: 500 })).toBeGreaterThan(0);
    await connection.close();
  });
});

const python = requirements(`${root}examples/ray/requirements.txt`);
const ray = needing("examples/ray: tasks and the actor are killed, and the values have JavaScript's bits", [python]);
it.skipIf(ray.isMissing)(ray.name, { timeout: 900_000 }, async () => {
  await install([python]);
  const example = fileURLToPath(new URL("../../examples/ray/", import.meta.url));
  const { stdout: alone } = await execute(process.execPath, [`${example}alone.mjs`]);
  const module = fileURLToPath(new URL("../../dist/rmsprop.wasm", import.meta.url));
  const { stdout, stderr } = await execute(python.path, [`${example}main.py`, module, "6"], { maxBuffer: 2 ** 24 });
  expect(stderr).toMatch(/killed: [1-9]\d* tasks, [1-9]\d* actors/);
  // Ray tells of what was killed on the same output.
  expect(stdout.split("\n")).toContain(alone.trim());
});
