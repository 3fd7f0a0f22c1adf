// The plots of the guide are what scripts/plots.mjs draws of its runs today, and the pages say what they show.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { plots } from "../../scripts/plots.mjs";
import { root } from "../../scripts/tools.mjs";

const read = (/** @type {string} */ file) => readFileSync(join(root, file), "utf8");
const files = Object.entries(plots());

it.each(files)("%s is the run's", (file, svg) => expect(read(file)).toBe(svg));

it.each(files)("%s is in the guide, with its title for those who cannot see it", (file, svg) => {
  const [, title] = /<title>(.+)<\/title>/.exec(svg) ?? [];
  const pages = ["docs/options.md", "docs/schedules.md"].map(read).join("\n");
  expect(pages.replaceAll(/\s+/g, " ")).toContain(`![${title}](${file.replace("docs/", "")})`);
});

it("there are no others", () => {
  expect(readdirSync(join(root, "docs", "plots")).map((name) => `docs/plots/${name}`)).toEqual(
    files.map(([file]) => file).sort(),
  );
});
