// Prints what each entry costs with everything that it imports, and what the module is made of; fails when an entry
// outgrows its budget, gzipped bytes in scripts/size-budget.json, or docs/size.md tells of another budget.
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { moduleParts } from "./module-parts.mjs";

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const budgets = JSON.parse(read("scripts/size-budget.json"));
const { exports } = JSON.parse(read("package.json"));

/** The files of dist that a file brings along, itself first. */
function closure(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  if (!/\.[cm]?js$/.test(name)) return found;
  for (const [, neighbour] of read(`dist/${name}`).matchAll(/\bfrom\s*['"]\.\/(.+?)['"]/g)) closure(neighbour, found);
  return found;
}

const columns = (...cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(9))).join("");
console.log(columns("entry", "raw", "gzip", "brotli", "budget"));

const named = new Set(JSON.stringify(exports).match(/(?<=\.\/dist\/)[^"]+/g));
const entries = readdirSync(new URL("../dist/", import.meta.url), { recursive: true }).filter(
  (name) => named.has(name) && !/\.d\.ts$/.test(name),
);
const stale = Object.keys(budgets).filter((name) => !entries.includes(name));
if (stale.length > 0) console.log(`budgets of entries that are not there: ${stale.join(", ")}`);
let failed = stale.length > 0;
for (const name of entries.sort()) {
  const files = [...closure(name)].map((file) => readFileSync(new URL(`../dist/${file}`, import.meta.url)));
  const total = (size) => files.reduce((sum, file) => sum + size(file), 0);
  const gzip = total((file) => gzipSync(file, { level: 9 }).length);
  const verdict = budgets[name] === undefined ? "  has no budget" : gzip > budgets[name] ? "  is too big" : "";
  if (verdict) failed = true;
  const sizes = [
    total((file) => file.length),
    gzip,
    total((file) => brotliCompressSync(file).length),
    budgets[name] ?? 0,
  ];
  console.log(columns(name, ...sizes.map(String)) + verdict);
}

const told = Object.fromEntries(
  [...read("docs/size.md").matchAll(/^\| `(\S+\.(?:js|wasm))` .*\| *([\d,]+) \|$/gm)].map(([, name, budget]) => [
    name,
    Number(budget.replaceAll(",", "")),
  ]),
);
for (const name of new Set([...Object.keys(told), ...Object.keys(budgets)])) {
  if (told[name] === budgets[name]) continue;
  console.log(`docs/size.md has the budget ${told[name]} for ${name}, scripts/size-budget.json ${budgets[name]}`);
  failed = true;
}

console.log("\nrmsprop.wasm, before functions are merged and stripped of their names:");
for (const [part, bytes] of moduleParts(new URL("../build/simd.wasm", import.meta.url))) {
  console.log(columns(part, String(bytes)));
}
process.exitCode = failed ? 1 : 0;
