// The package by its name, as its users write it: the files that package.json's exports name.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const { name, exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

export const packageAliases = Object.entries(exports)
  .filter(([, target]) => typeof target === "object")
  .map(([entry, target]) => ({
    find: new RegExp(`^${name}${entry.slice(1).replaceAll(/[./]/g, "\\$&")}$`),
    replacement: fileURLToPath(new URL(target.default, root)),
  }));
