// Browsers: the scopes that scripts run in, and the policies that pages are under. The pages are in browser/.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import {
  chromium,
  chromiumWithoutSimd,
  closeBrowsers,
  firefox,
  firefoxWithoutWasm,
  reportOf,
  webkit,
  webkitWithoutJit,
} from "./browser/drivers.mjs";
import { served } from "./browser/server.mjs";

/** @import { Browser, BrowserHost, BrowserWay, Driver, Environment, Files, Kit, Outcome } from "../types.js" */

export const close = closeBrowsers;

const WASM = "wasm-simd128";
const JS = "js";

const pages = join(import.meta.dirname, "browser");

/** @type {readonly [BrowserHost, BrowserHost, BrowserHost]} */
export const hosts = [
  { name: "chromium", host: "Chromium", driver: chromium },
  { name: "firefox", host: "Firefox", driver: firefox },
  { name: "webkitgtk", host: "WebKitGTK", driver: webkit },
];

/**
 * A folder with the package, the suite, everything of browser/ that goes to browsers, and these files. "rmsprop-wasm/slim"
 * becomes the address of the file: import maps would do it for modules, but workers and strict policies have none.
 *
 * @param {Kit} kit
 * @param {Files} [more]
 */
async function site(kit, more = {}) {
  const folder = await kit.folder(more);
  const { resolve } = createRequire(join(folder, "index.js"));
  const address = (/** @type {string} */ _, /** @type {string} */ specifier) =>
    JSON.stringify(`./${relative(folder, resolve(specifier)).replaceAll("\\", "/")}`);
  for (const name of await readdir(pages)) {
    if (name.endsWith(".mjs")) continue;
    const content = await readFile(join(pages, name), "utf8");
    await writeFile(join(folder, name), content.replaceAll(/"(rmsprop-wasm(?:\/[\w./-]+)?)"/g, address));
  }
  return folder;
}

/**
 * A page, under a content security policy if there is one, and with other headers.
 *
 * @param {string} path
 * @param {string} [policy]
 * @param {Readonly<Record<string, string>>} [more]
 * @returns {BrowserWay["run"]}
 */
export const page = (path, policy, more) => async (kit, driver) => {
  const headers = { ...(policy && { "Content-Security-Policy": policy }), ...more };
  return served(await site(kit), headers, (address) => driver.open(`${address}/${path}`));
};

/**
 * @param {string} name
 * @param {string} [policy]
 */
const scope = (name, policy) => page(`scopes.html?${name}`, policy);

/** @type {readonly BrowserWay[]} */
const ways = [
  { name: "page", way: "page", run: page("page.html") },
  { name: "script", way: "classic script", entry: "./iife", run: page("script.html") },
  { name: "slim", way: "init(fetch())", entry: "./slim", run: page("slim.html") },
  { name: "worker", way: "module worker", run: scope("module-worker") },
  { name: "classic-worker", way: "classic worker", entry: "./iife", run: scope("classic-worker") },
  { name: "shared-worker", way: "shared worker", run: scope("shared-worker") },
  { name: "classic-shared-worker", way: "classic shared worker", entry: "./iife", run: scope("classic-shared-worker") },
  { name: "service-worker", way: "service worker", run: scope("service-worker") },
  {
    name: "classic-service-worker",
    way: "classic service worker",
    entry: "./iife",
    run: scope("classic-service-worker"),
  },
  { name: "audio-worklet", way: "AudioWorklet", run: scope("audio-worklet") },
  {
    name: "opfs",
    way: "checkpoints in OPFS",
    entry: "./checkpoint/opfs",
    run: page("opfs.html"),
    notCovered: { WebKitGTK: "has no navigator.storage when it is driven" },
  },
  { name: "sandbox", way: "sandboxed srcdoc frame of opaque origin", run: scope("sandboxed-frame") },
  { name: "csp", way: "CSP: script-src 'self'", backend: JS, run: page("page.html", "script-src 'self'") },
  {
    name: "csp-worker",
    way: "module worker, CSP: script-src 'self'",
    backend: JS,
    run: scope("module-worker", "script-src 'self'"),
  },
  {
    name: "csp-wasm",
    way: "CSP: 'wasm-unsafe-eval'",
    run: page("page.html", "script-src 'self' 'wasm-unsafe-eval'"),
  },
  {
    name: "csp-connect-none",
    way: "CSP: connect-src 'none'",
    run: page("page.html", "script-src 'self' 'wasm-unsafe-eval'; connect-src 'none'"),
  },
  {
    name: "trusted-types",
    way: "CSP: require-trusted-types-for 'script'",
    run: page(
      "page.html",
      "script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
  },
  {
    name: "file",
    way: "file://",
    entry: "./iife",
    run: async (kit, driver) => driver.open(`file://${await site(kit)}/script.html`),
  },
];

/**
 * An extension with Manifest V3 and this `manifest`; `work` gets the browser and the extension's identifier.
 *
 * @param {Kit} kit
 * @param {object} manifest
 * @param {(browser: Browser, identifier: string) => Promise<Outcome>} work
 */
async function extension(kit, manifest, work) {
  const all = { manifest_version: 3, name: "rmsprop-wasm", version: "1", ...manifest };
  const browser = await chromium.browser();
  const folder = await site(kit, { "manifest.json": JSON.stringify(all) });
  const identifier = await browser.installExtension(folder);
  try {
    return await work(browser, identifier);
  } finally {
    await browser.uninstallExtension(identifier);
  }
}

const withWasm = { content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'" } };

/**
 * page.js as the background script: it is a module service worker.
 *
 * @param {object} [policy]
 * @returns {BrowserWay["run"]}
 */
const background = (policy) => (kit) => {
  const manifest = { background: { service_worker: "page.js", type: "module" }, ...policy };
  return extension(kit, manifest, async (browser, identifier) => {
    const isOurs = (/** @type {import("../types.js").Target} */ target) =>
      target.type() === "service_worker" && target.url().includes(identifier);
    const worker = await (await browser.waitForTarget(isOurs)).worker();
    if (!worker) throw new Error("the service worker has ended");
    const report = await reportOf((expression) => worker.evaluate(expression));
    return { version: await chromium.version(), report };
  });
};

/**
 * @param {object} [policy]
 * @returns {BrowserWay["run"]}
 */
const extensionPage =
  (policy = {}) =>
  (kit) =>
    extension(kit, policy, (_, identifier) => chromium.open(`chrome-extension://${identifier}/page.html`));

/** @type {readonly BrowserWay[]} */
const extensions = [
  { name: "background", way: "MV3 extension, background", backend: JS, run: background() },
  { name: "page", way: "MV3 extension, page", backend: JS, run: extensionPage() },
  { name: "wasm", way: "MV3 extension, background, 'wasm-unsafe-eval'", run: background(withWasm) },
  { name: "page-wasm", way: "MV3 extension, page, 'wasm-unsafe-eval'", run: extensionPage(withWasm) },
];

/**
 * @param {BrowserHost} host
 * @param {BrowserWay} way
 * @returns {Environment}
 */
export const described = (
  { name, host, driver },
  { name: suffix, way, entry = ".", backend = WASM, notCovered = {}, run },
) => ({
  name: `${name}-${suffix}`,
  host,
  way,
  entry,
  backend,
  needs: driver.needs,
  notCovered: notCovered[host],
  run: (kit) => run(kit, driver),
});

const [inChromium, inFirefox, inWebKit] = hosts;

/**
 * A browser whose switches take WebAssembly or SIMD away.
 *
 * @param {BrowserHost} host
 * @param {Driver} driver
 * @param {string} name
 * @param {string} way
 */
const withoutWasm = (host, driver, name, way) =>
  described({ ...host, driver }, { name, way, backend: JS, run: page("page.html") });

/** @type {readonly Environment[]} */
export const environments = [
  ...hosts.flatMap((host) => ways.map((way) => described(host, way))),
  ...extensions.map((way) => described({ ...inChromium, name: "chromium-extension" }, way)),
  withoutWasm(inChromium, chromiumWithoutSimd, "no-simd", "no SIMD (--no-enable-sse4-1)"),
  withoutWasm(inFirefox, firefoxWithoutWasm, "no-wasm", "WebAssembly switched off"),
  withoutWasm(inWebKit, webkitWithoutJit, "no-jit", "no JIT (as in Lockdown Mode)"),
];
