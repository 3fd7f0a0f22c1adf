// jsr.json says again what package.json says, because neither can read the other.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
const [npm, jsr] = [read("package.json"), read("jsr.json")];

it("has the same version and license on npm and JSR", () => {
  expect([jsr.version, jsr.license]).toEqual([npm.version, npm.license]);
});

it("has the same entries on npm and JSR, in files of the same names", () => {
  // A script with one global is nothing that a module can import; what the adapters adapt to is on npm.
  const { "./iife": _, "./package.json": __, "./tfjs": ___, "./jax": ____, ...modules } = npm.exports;
  const files = Object.entries<{ default: string }>(modules).map(([entry, conditions]) => [
    entry,
    conditions.default.replace("./dist/", "./build/jsr/"),
  ]);
  expect(Object.entries(jsr.exports)).toEqual(files);
});
