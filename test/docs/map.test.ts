// The map in CONTRIBUTING.md names every file, by itself or by its folder, and nothing else.

import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, it } from "vitest";
import { read, root, tableRows } from "./pages.js";

const headings = read("CONTRIBUTING.md").match(/^### `(crate\/src|ts|scripts|bench)`.*/gm)!;

it("has its four parts", () => expect(headings).toHaveLength(4));

it.each(headings)("%s", (heading) => {
  const folder = /`(.*)`/.exec(heading)![1]!;
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).split(sep).join("/"));
  // What the benchmark installs and writes, and Python compiles, is not the house's.
  const files = entries.filter((file) => !/\/(\.|node_modules\/|results\/|__pycache__\/)/.test(file));

  const cells = tableRows("CONTRIBUTING.md", heading).map(([cell]) => cell!);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`(.+?)`/g)].map(([, name]) => name!));
  const paths = names.map((name) => (name.startsWith(`${folder}/`) ? name : `${folder}/${name}`));
  const covers = (path: string, file: string) => file === path || file.startsWith(`${path}/`);

  expect(files.filter((file) => !paths.some((path) => covers(path, file)))).toEqual([]);
  expect(paths.filter((path) => !files.some((file) => covers(path, file)))).toEqual([]);
});
