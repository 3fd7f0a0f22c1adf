// What the pages point to is there: files, headings, folders and files of the house, npm scripts.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { groups, otherPages } from "../../site/navigation.mjs";
import { pages, read, root } from "./pages.js";

const scripts = Object.keys(JSON.parse(read("package.json")).scripts);
const prose = (page: string) => read(page).replace(/^```.*?^```$/gms, "");
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);

/** The anchor that GitHub gives a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

describe.each(pages)("%s", (page) => {
  it("links to files and headings that exist", () => {
    for (const link of all(prose(page), /\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path, heading] = link.split("#") as [string, string?];
      const target = path === "" ? page : join(dirname(page), path);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (heading !== undefined) expect(all(prose(target), /^#+ (.*)$/gm).map(anchor), link).toContain(heading);
    }
  });

  it("names folders, files and npm scripts that exist", () => {
    for (const path of all(prose(page), /`((?:bench|crate|docs|examples|scripts|test|ts)\/[\w./-]+)`/g)) {
      expect(existsSync(join(root, path)), path).toBe(true);
    }
    for (const script of all(read(page), /npm run (?:-s |--silent )?([\w:]+)/g)) expect(scripts).toContain(script);
  });
});

it("the site's guide and README list every page of docs, and no other", () => {
  const docs = pages
    .filter((page) => dirname(page) === "docs")
    .map((page) => page.slice("docs/".length, -".md".length));
  const others = Object.keys(otherPages).map((name) => name.slice(0, -".md".length));
  expect(groups.flatMap((group) => group.pages).sort()).toEqual([...docs, ...others].sort());
  const linked = all(read("README.md"), /\]\(docs\/([\w-]+)\.md/g);
  expect(docs.filter((page) => !linked.includes(page))).toEqual([]);
});
