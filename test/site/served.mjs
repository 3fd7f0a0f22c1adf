// The built site on a host of its own for a test, with a policy, and with watch.js and axe among its files.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { served } from "../runtime/environments/browser/server.mjs";

/** @import { Tab } from "./browsers.mjs" */

const root = join(import.meta.dirname, "..", "..");
export const dist = join(root, "build", "site", "dist");
export const screenshots = join(root, "build", "site", "screenshots");

/** @param {boolean} wasm */
const policy = (wasm) =>
  [
    "default-src 'self'",
    `script-src 'self'${wasm ? " 'wasm-unsafe-eval'" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    ...["img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "worker-src 'self'"],
  ].join("; ");

/**
 * Runs `work(address)` while the site is served under its policy, with or without WebAssembly.
 *
 * @param {boolean} wasm
 * @param {(address: string) => Promise<void>} work
 */
export async function withSite(wasm, work) {
  const folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-site-"));
  try {
    cpSync(dist, folder, { recursive: true });
    copyFileSync(join(import.meta.dirname, "watch.js"), join(folder, "watch.js"));
    copyFileSync(join(root, "site", "node_modules", "axe-core", "axe.min.js"), join(folder, "axe.js"));
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((each) =>
      each.endsWith(".html"),
    )) {
      const html = readFileSync(join(folder, name), "utf8");
      writeFileSync(join(folder, name), html.replace("<head>", '<head><script src="/watch.js"></script>'));
    }
    mkdirSync(screenshots, { recursive: true });
    await served(folder, { "Content-Security-Policy": policy(wasm) }, work);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Waits until an expression is true in the page.
 *
 * @param {Tab} tab
 * @param {string} expression
 */
export async function until(tab, expression, seconds = 60) {
  for (const late = Date.now() + 1000 * seconds; Date.now() < late; ) {
    if (await tab.evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const state = await tab.evaluate("document.body.innerText.slice(0, 1500)");
  throw new Error(`Not so after ${seconds} s: ${expression}\n${await tab.evaluate("siteErrors.join()")}\n${state}`);
}

/**
 * What axe finds, one line each; loaded as a file, since the policy forbids other ways.
 *
 * @param {Tab} tab
 * @returns {Promise<string[]>}
 */
export async function axe(tab) {
  return tab.evaluate(`(async () => {
    if (!globalThis.axe) await new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: "/axe.js", onload: resolve, onerror: reject });
      document.head.append(script);
    });
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => impact + " " + id + ": " + nodes.map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | "));
  })()`);
}
