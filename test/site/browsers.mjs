// Tabs in the browsers of Debian, with the same few verbs for all three: WebKitGTK's is driven by plain WebDriver.
import { writeFile } from "node:fs/promises";
import { chromium, closeBrowsers, firefox, webkit } from "../runtime/environments/browser/drivers.mjs";
import { install, isCI } from "../runtime/needs.mjs";

/** @import { PuppeteerDriver } from "../runtime/types.js" */
/** @typedef {{ width: number, height: number }} Size */
/**
 * @typedef {object} Tab
 * @property {(address: string) => Promise<unknown>} goto
 * @property {(expression: string) => Promise<any>} evaluate The value of an expression, which is JSON.
 * @property {(path: string) => Promise<unknown>} screenshot
 * @property {(key: Key) => Promise<unknown>} press
 * @property {() => Promise<unknown>} close
 *
 * @typedef {{ open(size: Size): Promise<Tab> }} Tabs
 * @typedef {keyof typeof webdriverKeys} Key
 */

export { closeBrowsers };

/** Whether each browser is there; installs what is missing first where `CI` is set. */
export async function prepareBrowsers() {
  const needs = [chromium, firefox, webkit].flatMap((driver) => driver.needs);
  if (isCI) await install(needs);
  const missing = needs.filter((need) => !need.isInstalled()).map(({ label }) => label);
  if (missing.length > 0) throw new Error(`Missing: ${missing.join("; ")}. CI=1 npm run test:site installs them.`);
}

/**
 * A tab with what the tests do in it.
 *
 * @param {PuppeteerDriver} driver
 * @returns {Tabs}
 */
function withPuppeteer(driver) {
  return {
    async open({ width, height }) {
      const page = await (await driver.browser()).newPage();
      await page.setViewport({ width, height });
      return {
        goto: (address) => page.goto(address, { timeout: 60_000 }),
        evaluate: (expression) => page.evaluate(expression),
        screenshot: (path) => page.screenshot({ path, fullPage: true }),
        press: (key) => page.keyboard.press(key),
        close: () => page.close(),
      };
    },
  };
}

/** @type {Tabs} */
const webkitTab = {
  /** Its one window is as wide as the screen allows, and never as narrow as a phone. */
  async open({ width, height }) {
    const { post, get } = await webkit.session();
    await post("window/rect", { width, height });
    const evaluate = async (/** @type {string} */ expression) => {
      const script = `const done = arguments[0];
        Promise.resolve().then(() => (${expression})).then((value) => done({ value }), (error) => done({ failure: String(error) }));`;
      const { value, failure } = await post("execute/async", { script, args: [] });
      if (failure) throw new Error(failure);
      return value;
    };
    return {
      goto: (address) => post("url", { url: address }),
      evaluate,
      async screenshot(path) {
        // It is taken with the next frame that is painted, and a page that stands still paints none. One that was left meanwhile has
        // no interval any more.
        await evaluate(`void (globalThis.stirring = setInterval(() => {
          document.documentElement.style.outline = "1px solid rgb(0 0 0 / " + Math.random() / 100 + ")";
        }, 30))`);
        const picture = await get("screenshot");
        await evaluate("clearInterval(globalThis.stirring), document.documentElement.style.removeProperty('outline')");
        await writeFile(path, Buffer.from(picture, "base64"));
      },
      press: (key) => post("actions", keyActions(key)),
      close: () => post("url", { url: "about:blank" }),
    };
  },
};

const webdriverKeys = { Tab: "\uE004", Enter: "\uE007", ArrowLeft: "\uE012", ArrowRight: "\uE014", Space: " " };

/** @param {Key} key */
function keyActions(key) {
  const value = webdriverKeys[key];
  const actions = [
    { type: "keyDown", value },
    { type: "keyUp", value },
  ];
  return { actions: [{ type: "key", id: "keyboard", actions }] };
}

/** @type {readonly (Tabs & { name: string })[]} */
export const browsers = [
  { name: "Chromium", ...withPuppeteer(chromium) },
  { name: "Firefox", ...withPuppeteer(firefox) },
  { name: "WebKitGTK", ...webkitTab },
];
