// The files of the built site: links lead somewhere, nothing is inline or from elsewhere, and pages stay light.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { entries } from "../../scripts/entries.mjs";
import { dist } from "./served.mjs";

const files = (readdirSync(dist, { recursive: true }) as string[]).map((name) => name.replaceAll("\\", "/"));
const pages = files.filter((name) => name.endsWith(".html"));
const html = new Map(pages.map((page) => [page, readFileSync(join(dist, page), "utf8")]));
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);

/** The file that a link of a page leads to. */
function fileOf(page: string, link: string): string {
  const path = decodeURIComponent(link.split(/[?#]/)[0]!);
  const full = path.startsWith("/") ? path.slice(1) : posix.normalize(posix.join(dirname(page), path));
  return full === "" || full.endsWith("/") ? `${full}index.html` : full;
}

it("has the pages that are promised", () => {
  for (const page of ["index.html", "first-step.html", "live/index.html", "live/digits.html", "live/browser.html"]) {
    expect(pages).toContain(page);
  }
  expect(pages.filter((page) => page.startsWith("api/")).length).toBeGreaterThan(50);
});

describe.each(pages.filter((page) => page !== "404.html"))("%s", (page) => {
  const text = html.get(page)!;

  it("has links that lead to pages and headings", () => {
    for (const link of all(text, / href="(?!https?:|data:|mailto:)([^"]+)"/g)) {
      const file = link.startsWith("#") ? page : fileOf(page, link);
      expect(existsSync(join(dist, file)), `${link} of ${page}`).toBe(true);
      const anchor = link.split("#")[1];
      if (!anchor || !file.endsWith(".html") || file.startsWith("live/")) continue;
      expect(html.get(file)!.includes(` id="${decodeURIComponent(anchor)}"`), `${link} of ${page}`).toBe(true);
    }
  });

  it("has no inline script, and loads nothing from elsewhere", () => {
    expect(all(text, /<script(?![^>]* src=)[^>]*>([^<]+)</g)).toEqual([]);
    expect(all(text, / on\w+="([^"]*)"/g)).toEqual([]);
    expect(all(text, /<(?:script|link|img|iframe|source)[^>]* (?:src|href|srcset)="((?:https?:)?\/\/[^"]+)"/g)).toEqual(
      [],
    );
  });

  it("is there as Markdown too", () => {
    expect(existsSync(join(dist, page.replace(/\.html$/, ".md")))).toBe(true);
  });
});

it("llms.txt lists pages that exist", () => {
  const text = readFileSync(join(dist, "llms.txt"), "utf8");
  const links = all(text, /\]\(([^)]+)\)/g);
  expect(links.length).toBeGreaterThan(20);
  for (const link of links) expect(existsSync(join(dist, link)), link).toBe(true);
});

it("the API has every entry, and formulas that are drawn", () => {
  const index = html.get("api/index.html")!;
  const isDocumented = ({ path, source }: (typeof entries)[number]) => source && !/^\.\/(js|wasm-only)$/.test(path);
  for (const { path } of entries.filter(isDocumented)) {
    expect(index).toContain(`href="/api/${path.replace(".", "rmsprop-wasm")}/"`);
  }
  const classes = ["RMSprop", "ExponentialDecay", "PiecewiseConstantDecay", "CosineDecayRestarts"];
  for (const name of classes) expect(html.get(`api/rmsprop-wasm/classes/${name}.html`), name).toContain("<math");
  expect(all(html.get("api/rmsprop-wasm/interfaces/RMSpropOptions.html")!, /(<math)/g)).toHaveLength(5);
  // With the types of errors, which the theme would drop.
  expect(html.get("api/rmsprop-wasm/classes/RMSprop.html")).toContain(
    "<code>TypeError | RangeError</code> for options",
  );
});

it("the guide has its plots in the page", () => {
  expect(all(html.get("schedules.html")!, /(<svg[^>]* class="line-plot")/g)).toHaveLength(6);
  expect(all(html.get("options.html")!, /(<svg[^>]* class="line-plot")/g)).toHaveLength(5);
});

it("the options have a link each beside the guide", () => {
  const page = html.get("first-step.html")!;
  for (const option of ["clipping", "weight-decay", "moving-average", "accumulation", "loss-scaling"]) {
    expect(page).toContain(`href="/options.html#${option}"`);
  }
});

it("the front page shows README's three numbers and five doors", () => {
  const text = html.get("index.html")!;
  expect(all(text, /<strong>([^<]+)<\/strong><span>/g)).toHaveLength(3);
  expect(all(text, /<summary>([^<]+)</g)).toHaveLength(5);
});

describe("what a page loads", () => {
  const gzipped = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, name))).length, 0) / 1000;

  it.each([
    ["first-step.html", 73],
    ["live/index.html", 73],
  ])("%s: scripts of at most %d kB before the live part", (page, budget) => {
    const scripts = all(html.get(page)!, /(?:src|href)="\/(assets\/[^"]+\.js)"/g);
    expect(gzipped([...new Set(scripts)])).toBeLessThan(budget);
  });

  it("styles of at most 27 kB", () => {
    expect(gzipped(files.filter((name) => /^assets\/style\..*\.css$/.test(name)))).toBeLessThan(27);
  });

  it("the live part of at most 110 kB", () => {
    const live = files.filter((name) =>
      /^assets\/chunks\/(page|plot|index|live-region|expected|colours|dom)\..*\.js$/.test(name),
    );
    expect(gzipped(live)).toBeLessThan(110);
  });
});
