// The built site in real browsers, under `script-src 'self'` with and without WebAssembly: it trains, with the bits that
// every engine must give; a reload goes on; the console stays empty; axe finds nothing. Screenshots: build/site/screenshots.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import expected from "../../site/live/expected.json" with { type: "json" };
import { stories } from "../../site/live/paths/stories.js";
import { browsers, closeBrowsers, prepareBrowsers } from "./browsers.mjs";
import { axe, screenshots, until, withSite } from "./served.mjs";

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const text = (name: string) => `document.querySelector('[data-part="${name}"]').textContent`;
const click = (name: string) => `document.querySelector('[data-part="${name}"]').click()`;
const state = (name: string) => `document.querySelector(".live")?.dataset.state === "${name}"`;

interface Tab {
  goto(address: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  screenshot(path: string): Promise<unknown>;
  press(key: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Opens a page in a theme, as a visitor who has chosen it. */
async function visit(tab: Tab, address: string, path: string, theme: string): Promise<void> {
  await tab.goto(`${address}/404.html`);
  await tab.evaluate(`localStorage.setItem("vitepress-theme-appearance", "${theme}")`);
  await tab.goto(address + path);
}

beforeAll(prepareBrowsers);
afterAll(closeBrowsers);

describe.each(browsers)("$name", ({ name, open }) => {
  const inTab = async (size: typeof WIDE, work: (tab: Tab) => Promise<void>) => {
    const tab: Tab = await open(size);
    try {
      await work(tab);
      expect(await tab.evaluate("siteErrors")).toEqual([]);
    } finally {
      await tab.close();
    }
  };

  it.each([true, false])("paths have Keras' bits in every story; WebAssembly allowed: %s", async (wasm) => {
    await withSite(wasm, (address: string) =>
      inTab(WIDE, async (tab) => {
        await visit(tab, address, "/live/", "light");
        await until(tab, state("ready"));
        expect(await tab.evaluate(text("backend"))).toContain(wasm ? "WebAssembly SIMD" : "Plain JavaScript");
        for (const [i, { title }] of stories.entries()) {
          await tab.evaluate(click(`story-${i}`));
          const found = { title, bits: await tab.evaluate(text("bits")) };
          expect(found).toEqual({ title, bits: (expected.paths as Record<string, string>)[title] });
        }
      }),
    );
  });

  it.each([true, false])("digits: trained, reloaded in the middle, right in the end; WebAssembly: %s", async (wasm) => {
    await withSite(wasm, (address: string) =>
      inTab(WIDE, async (tab) => {
        await visit(tab, address, "/live/digits.html", "light");
        await until(tab, state("new"));
        await tab.evaluate(click("run"));
        await until(tab, `/^Step (1[3-9]5|[2-9]..|1,...) /.test(${text("saved")})`);
        await tab.goto(`${address}/live/digits.html`);
        await until(tab, state("paused"));
        const words = String(await tab.evaluate(text("state")));
        expect(words).toMatch(/^Paused at step [\d,]+$/);
        expect(Number(words.replace(/\D/g, ""))).toBeGreaterThanOrEqual(135);

        await tab.evaluate(
          `(() => { const pace = document.querySelector('[data-part="pace"]'); pace.value = "fast"; })()`,
        );
        await tab.evaluate(click("run"));
        await until(tab, state("done"));
        expect(await tab.evaluate(text("checksum"))).toBe(expected.digits);
        expect(await tab.evaluate(text("verdict"))).toContain("✓");
        if (wasm) await tab.screenshot(join(screenshots, `digits-${name}-done.png`));

        // Another visit finds it done; forgotten, it begins anew.
        await tab.goto(`${address}/live/digits.html`);
        await until(tab, state("done"));
        expect(await tab.evaluate(text("checksum"))).toBe(expected.digits);
        await tab.evaluate(click("forget"));
        await until(tab, state("new"));
        await tab.goto(`${address}/live/digits.html`);
        await until(tab, state("new"));
      }),
    );
  });

  it("this browser: the self-test has the right bits", async () => {
    await withSite(true, (address: string) =>
      inTab(WIDE, async (tab) => {
        await visit(tab, address, "/live/browser.html", "dark");
        await until(tab, state("ready"));
        await tab.evaluate(click("test"));
        await until(tab, `${text("outcome")}.includes("${expected.digits}")`);
        expect(await tab.evaluate(text("outcome"))).toContain("✓");
        await tab.screenshot(join(screenshots, `browser-${name}.png`));
      }),
    );
  });

  it("search finds `clipnorm`", async () => {
    await withSite(false, (address: string) =>
      inTab(WIDE, async (tab) => {
        await tab.goto(`${address}/errors.html`);
        await until(tab, `document.querySelector(".DocSearch-Button, .VPNavBarSearch button") !== null`);
        // The button is there before its script.
        await until(
          tab,
          `document.querySelector(".search-input") !== null || document.querySelector(".VPNavBarSearch button").click()`,
        );
        await tab.evaluate(`(() => {
          const field = document.querySelector(".search-input");
          field.value = "clipnorm";
          field.dispatchEvent(new Event("input"));
        })()`);
        await until(tab, `document.querySelectorAll(".VPLocalSearchBox .result").length > 0`);
      }),
    );
  });

  // WebKitGTK's window is not as narrow as a phone.
  const sizes = name === "WebKitGTK" ? [WIDE] : [WIDE, PHONE];
  const paths = [
    ...["/", "/live/", "/live/digits.html", "/live/browser.html"],
    ...["/options.html", "/schedules.html", "/api/", "/api/rmsprop-wasm/classes/RMSprop.html"],
  ];
  const looks = sizes.flatMap((size) => ["light", "dark"].map((theme) => ({ size, theme, width: size.width })));

  it.each(looks)("looks right to axe at $width px, $theme", async ({ size, theme }) => {
    await withSite(true, (address: string) =>
      inTab(size, async (tab) => {
        for (const path of paths) {
          await visit(tab, address, path, theme);
          if (path.startsWith("/live")) await until(tab, `${state("ready")} || ${state("new")}`);
          if (path === "/live/") await tab.evaluate(click("play"));
          const page = path.replaceAll(/\W+|html/g, "-").replaceAll(/^-+|-+$/g, "") || "home";
          await tab.screenshot(join(screenshots, `${page}-${name}-${size.width}-${theme}.png`));
          expect(await axe(tab), path).toEqual([]);
          const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
          expect(await tab.evaluate(overflow), `${path} is wider than the window`).toBe(0);
        }
      }),
    );
  });
});
