// Cold starts in Chromium: a fresh process with a fresh profile loads a page from this machine, which reports back.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { root } from "../../scripts/tools.mjs";

/** @import { ColdStart } from "../types.js" */
/** @typedef {(ColdStart & { failure?: undefined }) | { failure: string }} Report */

const command = process.env.CHROMIUM ?? "chromium";
const switches = [
  ...["--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
/** @type {Readonly<Record<string, string>>} */
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
const headers = {
  // Isolated pages have a clock of 5 µs instead of 100 µs.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
};

/**
 * The page, the probe and dist; what is posted to /report goes to `receive`.
 *
 * @param {(report: Report) => void} receive
 * @returns {Promise<import("node:http").Server>}
 */
function serve(receive) {
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      let text = "";
      for await (const part of request) text += part;
      response.end();
      receive(JSON.parse(text));
      return;
    }
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = pathname.startsWith("/dist/") ? join(root, pathname) : join(import.meta.dirname, pathname);
    const content = await readFile(file).catch(() => null);
    response.writeHead(content ? 200 : 404, { "Content-Type": types[extname(file)] ?? "text/plain", ...headers });
    response.end(content);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** @returns {Promise<ColdStart>} */
async function start() {
  const profile = await mkdtemp(join(tmpdir(), "rmsprop-wasm-profile-"));
  /** @type {import("node:http").Server | undefined} */
  let server;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let browser;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("Chromium reports nothing")), 60_000);
      serve((report) => (report.failure !== undefined ? reject(new Error(report.failure)) : resolve(report))).then(
        (started) => {
          server = started;
          const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
          const address = `http://127.0.0.1:${port}/page.html`;
          browser = spawn(command, [...switches, `--user-data-dir=${profile}`, address], { stdio: "ignore" });
          browser.on("error", reject);
        },
        reject,
      );
    });
  } finally {
    clearTimeout(timer);
    const started = browser;
    if (started?.pid && started.exitCode === null) {
      const ended = new Promise((resolve) => started.once("close", resolve));
      started.kill();
      await ended;
    }
    server?.closeAllConnections();
    server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * `null` where there is no Chromium.
 *
 * @param {number} count
 * @returns {Promise<import("../types.js").Host | null>}
 */
export async function chromium(count) {
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  if (status !== 0) return null;
  const starts = [];
  for (let i = 0; i < count; i++) starts.push(await start());
  return { host: /Chromium [\d.]+/.exec(stdout)?.[0] ?? "Chromium", starts };
}
