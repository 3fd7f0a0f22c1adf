// The map of CONTRIBUTING.md: its tables name every file of crate/src and ts, by itself or by its folder, and nothing else.
// (README.md's table lists the entries, which have a folder each.)
// Scripts begin with a comment that says their job.

import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, it } from "vitest";
import { ENTRIES } from "../house/floors.js";
import { read, root, tableRows } from "./pages.js";

/** The files below a folder, but for what the benchmark installs and writes, and Python compiles. */
const filesOf = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).split(sep).join("/"))
    .filter((file) => !/\/(\.|node_modules\/|results\/|target\/|__pycache__\/)/.test(file));

it.each(["crate/src", "ts"])("%s", (folder) => {
  const files = filesOf(folder);
  const rows = tableRows("CONTRIBUTING.md", `### \`${folder}\`, from the ground up`);
  const names = rows.flatMap(([cell]) => Array.from(cell!.matchAll(/`(.+?)`/g), ([, name]) => name!));
  const others = folder === "ts" ? ENTRIES : [];
  const paths = [...names, ...others].map((name) => `${folder}/${name}`);
  const covers = (path: string, file: string) => file === path || file.startsWith(`${path}/`);

  expect(files.filter((file) => !paths.some((path) => covers(path, file)))).toEqual([]);
  expect(paths.filter((path) => !files.some((file) => covers(path, file)))).toEqual([]);
});

it.each(["scripts", "bench"])("%s", (folder) => {
  const scripts = filesOf(folder).filter((file) => /\.(mjs|js|ts|py|rs)$/.test(file));
  expect(scripts.length).toBeGreaterThan(9);
  expect(scripts.filter((file) => !/^(\/\/!?|#|"""|\/\*\*)\s*\S/.test(read(file)))).toEqual([]);
});
