// The browsers of Debian, each started by the first environment that wants it and ended by `closeBrowsers`. A driver has
// what it `needs`, and `open(address)`: the browser's version, and what the page left in `globalThis.report`.
import { spawn } from "node:child_process";
import { freePort } from "../../../free-port.mjs";
import { apt, npm } from "../../needs.mjs";

/** @import { Browser, Evaluate, PuppeteerDriver, Report, Variables, WebDriver } from "../../types.js" */

// The last line of releases for Node 20.
const puppeteer = npm({ "puppeteer-core": "24.43.1" });

/** @type {(() => Promise<void>)[]} */
const closers = [];
export const closeBrowsers = () => Promise.all(closers.map((close) => close()));

/**
 * Called once, at the first use; `closeBrowsers` ends what came of it.
 *
 * @template T
 * @param {() => Promise<T>} start
 * @param {(running: T) => unknown} end
 */
function once(start, end) {
  /** @type {Promise<T> | undefined} */
  let started;
  const use = () => (started ??= start());
  const close = async () => {
    const running = started;
    started = undefined;
    if (running) await running.then(end, () => {});
  };
  closers.push(close);
  return use;
}

/** Runs what it is given one after the other. */
function queue() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}

/**
 * What a scope leaves in `globalThis.report` within `seconds`; `look` evaluates a function there.
 *
 * @param {Evaluate} look
 * @param {number} [seconds]
 * @returns {Promise<Report | string>}
 */
export async function reportOf(look, seconds = 10) {
  for (const late = Date.now() + seconds * 1000; Date.now() < late; ) {
    const report = await look(() => /** @type {{ report?: unknown }} */ (globalThis).report);
    if (report) return /** @type {Report | string} */ (report);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("there is no report");
}

/**
 * Chromium or Firefox: one program drives both.
 *
 * @param {ReturnType<typeof apt>} executable
 * @param {{ screen?: { env?: Record<string, string> } } & Record<string, unknown>} launch
 * @returns {PuppeteerDriver}
 */
function withPuppeteer(executable, launch) {
  const browser = once(
    /** @returns {Promise<Browser>} */
    async () => {
      const { default: program } = await puppeteer.import("puppeteer-core");
      const { screen, ...settings } = launch;
      // Software rendering needs a screen in Firefox, reading at once from WebGPU in Chromium.
      const shown = screen ? { headless: false, env: { ...process.env, ...screen.env, DISPLAY: await display() } } : {};
      return program.launch({ executablePath: executable.path, headless: true, ...settings, ...shown });
    },
    (running) => running.close(),
  );
  const version = async () => (await (await browser()).version()).replace(/^.*\//, "");

  // Firefox fails to open a page while it closes another.
  const alone = queue();
  /** @param {string} address @param {number} [seconds] */
  async function open(address, seconds) {
    const running = await browser();
    const page = await alone(() => running.newPage());
    /** @type {string[]} */
    const errors = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    try {
      // Without limits of its own: the environment has one.
      await page.goto(address, { timeout: 0 });
      return { version: await version(), report: await reportOf((expression) => page.evaluate(expression), seconds) };
    } catch (error) {
      throw new Error([error instanceof Error ? error.message : error, ...errors].join("; "));
    } finally {
      await alone(() => page.close());
    }
  }
  return { needs: [puppeteer, executable, ...(launch.screen ? [xvfb] : [])], browser, version, open };
}

const switches = [
  ...["--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

const xvfb = apt("xvfb", "/usr/bin/Xvfb");

/** @type {import("node:child_process").ChildProcess[]} */
const screens = [];
/** A screen for all browsers that want one; its name. */
const display = once(
  () =>
    startScreen((command, args, settings) => {
      const child = spawn(command, args, { stdio: "ignore", ...settings });
      screens.push(child);
      return child;
    }),
  () => {
    for (const child of screens.splice(0)) child.kill();
  },
);

/** @param {string[]} more */
const chromiumWith = (...more) =>
  withPuppeteer(apt("chromium", "/usr/bin/chromium"), {
    args: [...switches, ...more],
    // Extensions can be installed only through a pipe.
    pipe: true,
    enableExtensions: true,
  });

/** @param {Readonly<Record<string, boolean>>} [extraPrefsFirefox] */
const firefoxWith = (extraPrefsFirefox = {}) =>
  withPuppeteer(apt("firefox-esr", "/usr/bin/firefox-esr"), { browser: "firefox", extraPrefsFirefox });

/**
 * WebKitGTK's small browser by plain WebDriver, with these switches of the engine.
 *
 * @param {Variables} [variables]
 * @returns {WebDriver}
 */
function webkitWith(variables = {}) {
  const session = once(
    () => startWebkit(variables),
    (running) => running.end(),
  );
  // It has one window.
  const alone = queue();
  const script = (/** @type {() => unknown} */ expression) => `const done = arguments[0];
    Promise.resolve((${expression})()).then((value) => done({ value }), (error) => done({ failure: String(error) }));`;

  /** @param {string} address @param {number} [seconds] */
  async function open(address, seconds) {
    const { version, post } = await session();
    return alone(async () => {
      await post("url", { url: address });
      const look = async (/** @type {() => unknown} */ expression) => {
        const { value, failure } = await post("execute/async", { script: script(expression), args: [] });
        if (failure) throw new Error(failure);
        return value;
      };
      return { version, report: await reportOf(look, seconds) };
    });
  }
  const needs = [apt("webkit2gtk-driver", "/usr/bin/WebKitWebDriver"), xvfb];
  return { needs, open, session };
}

/** @param {Variables} variables */
async function startWebkit(variables) {
  /** @type {import("node:child_process").ChildProcess[]} */
  const children = [];
  /**
   * @param {string} command
   * @param {string[]} args
   * @param {import("node:child_process").SpawnOptions} settings
   */
  const start = (command, args, settings) => {
    const child = spawn(command, args, { stdio: "ignore", ...settings });
    child.on("error", () => {});
    children.push(child);
    return child;
  };
  const kill = () => {
    for (const child of children.reverse()) child.kill();
  };
  try {
    const display = await startScreen(start);
    const port = await freePort();
    const env = {
      DISPLAY: display,
      // Containers and root have no user namespaces.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      LIBGL_ALWAYS_SOFTWARE: "1",
      GTK_A11Y: "none",
      NO_AT_BRIDGE: "1",
      ...variables,
    };
    start("WebKitWebDriver", [`--port=${port}`], { env: { ...process.env, ...env } });

    /**
     * @param {string} method
     * @param {string} path
     * @param {object} [body]
     */
    const ask = async (method, path, body) => {
      const request = {
        method,
        headers: { "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      };
      const { value } = await (await fetch(`http://127.0.0.1:${port}${path}`, request)).json();
      if (value?.error) throw new Error(`${value.error}: ${value.message}`);
      return value;
    };
    await untilItAnswers(() => ask("GET", "/status"));
    const alwaysMatch = { timeouts: { script: 300_000, pageLoad: 300_000 } };
    const { sessionId, capabilities } = await ask("POST", "/session", { capabilities: { alwaysMatch } });
    const path = `/session/${sessionId}`;
    return {
      version: capabilities.browserVersion,
      post: (/** @type {string} */ command, /** @type {object} */ body) => ask("POST", `${path}/${command}`, body),
      get: (/** @type {string} */ command) => ask("GET", `${path}/${command}`),
      end: () =>
        ask("DELETE", path)
          .catch(() => {})
          .finally(kill),
    };
  } catch (error) {
    kill();
    throw error;
  }
}

/**
 * A screen for programs that want one; its name.
 *
 * @param {(command: string, args: string[], settings: import("node:child_process").SpawnOptions) => import("node:child_process").ChildProcess} start
 * @returns {Promise<string>}
 */
function startScreen(start) {
  const args = ["-displayfd", "3", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"];
  const screen = start("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  return new Promise((resolve, reject) => {
    screen.stdio[3]?.once("data", (number) => resolve(`:${String(number).trim()}`));
    screen.once("close", () => reject(new Error("Xvfb ended")));
  });
}

/** @param {() => Promise<unknown>} ask */
async function untilItAnswers(ask) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export const chromium = chromiumWith();
export const chromiumWithoutSimd = chromiumWith("--js-flags=--no-enable-sse4-1");
export const firefox = firefoxWith();
export const firefoxWithoutWasm = firefoxWith({ "javascript.options.wasm": false });
export const webkit = webkitWith();
export const webkitWithoutJit = webkitWith({ JSC_useJIT: "0" });

// With a GPU, which is software: SwiftShader in Chromium, llvmpipe in the others.
const gpuSwitches = ["--no-sandbox", "--no-first-run", "--enable-unsafe-webgpu", "--enable-unsafe-swiftshader"];
const vulkan = ["--use-angle=swiftshader", "--use-vulkan=swiftshader", "--enable-features=Vulkan"];
const debianChromium = apt("chromium", "/usr/bin/chromium");
export const gpuChromium = withPuppeteer(debianChromium, { args: gpuSwitches });
/** Without a screen, Chromium's GPU process dies when a page reads from WebGPU at once. */
export const gpuChromiumOnScreen = withPuppeteer(debianChromium, { args: [...gpuSwitches, ...vulkan], screen: {} });
export const gpuFirefox = withPuppeteer(apt("firefox-esr", "/usr/bin/firefox-esr"), {
  browser: "firefox",
  extraPrefsFirefox: { "webgl.force-enabled": true },
  screen: { env: { LIBGL_ALWAYS_SOFTWARE: "1" } },
});
export const gpuWebkit = webkitWith({ WEBKIT_DISABLE_COMPOSITING_MODE: undefined });
