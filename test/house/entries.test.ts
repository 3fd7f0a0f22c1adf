// The entries are said once: what follows from scripts/entries.mjs is current, and each entry has its files.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builds, entries, sources } from "../../scripts/entries.mjs";
import { outdated } from "../../scripts/write-entries.mjs";
import { root } from "../docs/pages.js";

it("package.json, jsr.json, README.md and docs/size.md are as `npm run entries` writes them", () => {
  expect(outdated().map(({ path }) => path)).toEqual([]);
});

describe.each(entries.map(({ path }) => path))("%s", (path) => {
  it.each(builds.filter(({ entry }) => entry.path === path).map(({ file }) => file))("is built: dist/%s", (file) => {
    expect(existsSync(join(root, "dist", file))).toBe(true);
    expect(existsSync(join(root, "dist", `${file.replace(/\.js$/, "")}.d.ts`))).toBe(true);
  });
});

it("every source is there, and no file has two owners", () => {
  expect(sources.filter((source) => !existsSync(join(root, "ts", source)))).toEqual([]);
  expect(new Set(builds.map(({ file }) => file)).size).toBe(builds.length);
});

it("the version and the license are the same on npm and JSR", () => {
  const [npm, jsr] = ["package.json", "jsr.json"].map((name) => JSON.parse(readFileSync(join(root, name), "utf8")));
  expect([jsr.version, jsr.license]).toEqual([npm.version, npm.license]);
});
