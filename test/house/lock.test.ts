// The lock files name every package with its hash, for every platform: `npm ci` checks what it downloads.
//
// npm writes down the platforms it installed for, and leaves an entry without a hash as it found it (npm/cli#4828, #9846).
// `npm install --package-lock-only` adds the others, with hashes, once such entries are deleted.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Package {
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const readLock = (path: string): Record<string, Package> =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")).packages;

const withoutHash = (packages: Record<string, Package>) =>
  Object.keys(packages).filter((folder) => folder !== "" && !packages[folder]!.integrity?.startsWith("sha512-"));

/** Optional dependencies, platform binaries most of all, that are in none of the folders where Node looks for them. */
function missing(packages: Record<string, Package>): string[] {
  const isThere = (folder: string, name: string): boolean => {
    const parent = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/"))).replace(/\/$/, "");
    const path = `${folder}${folder && "/"}node_modules/${name}`;
    return path in packages || (folder !== "" && isThere(parent, name));
  };
  return Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isThere(folder, name))
      .map((name) => `${name} of ${folder}`),
  );
}

describe.each(["package-lock.json", "bench/peers/package-lock.json"])("%s", (path) => {
  it("has a hash for every package", () => expect(withoutHash(readLock(path))).toEqual([]));
  it("has the packages of every platform", () => expect(missing(readLock(path))).toEqual([]));
});

it("finds what is missing", () => {
  const packages = {
    "": {},
    "node_modules/a": { integrity: "sha512-1", optionalDependencies: { "a-linux": "1.0.0", "a-darwin": "1.0.0" } },
    "node_modules/a/node_modules/a-linux": {},
  };
  expect(withoutHash(packages)).toEqual(["node_modules/a/node_modules/a-linux"]);
  expect(missing(packages)).toEqual(["a-darwin of node_modules/a"]);
});
