// README's picture is what scripts/picture.mjs draws of a run today, and its words are the run's.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pictures } from "../../scripts/picture.mjs";
import { root } from "../../scripts/tools.mjs";

const read = (/** @type {string} */ file) => readFileSync(join(root, file), "utf8");
const files = Object.entries(pictures());

it.each(files)("%s is the run's", (file, svg) => expect(read(file)).toBe(svg));

it("README.md shows both, and says what they show", () => {
  const readme = read("README.md");
  for (const [file] of files) expect(readme).toContain(`"${file}"`);
  const [, rmsprop, descent] = /at step (\d+); gradient descent needs (\d+) steps/.exec(files[0][1]) ?? [];
  expect(readme).toContain(`at step ${rmsprop}; gradient descent needs ${descent} steps`);
});
