// What docs/distributed.md says of up to 1,000 workers is what the simulation gives.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { rows, stragglers } from "./scale.js";

const page = readFileSync(new URL("../../docs/distributed.md", import.meta.url), "utf8");

it("the table of speed-ups", () => {
  const told = [...page.matchAll(/^\|.* [kM] .*\|$/gm)].map(([row]) =>
    row
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  expect(told).toEqual(rows());
});

it("the cost of stragglers", () => {
  const text = page.replaceAll(/\s+/g, " ");
  expect(text).toContain(`with V = N: ${stragglers(1)}`);
  expect(text).toContain(`with V = 4 N: ${stragglers(4)}`);
});
