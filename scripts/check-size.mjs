// Prints what each entry costs with everything that it imports, and what the module is made of. Fails when an entry outgrows
// its budget in scripts/entries.mjs.
import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { builds } from "./entries.mjs";
import { moduleParts } from "./module-parts.mjs";

/** @param {string} name */
const read = (name) => readFileSync(new URL(`../dist/${name}`, import.meta.url));

/**
 * The files of dist that a file brings along, itself first.
 *
 * @param {string} name
 * @param {Set<string>} found
 */
function closure(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  if (!/\.[cm]?js$/.test(name)) return found;
  for (const [, neighbour] of read(name)
    .toString()
    .matchAll(/\bfrom\s*['"]\.\/(.+?)['"]/g)) {
    closure(/** @type {string} */ (neighbour), found);
  }
  return found;
}

/** @param {string[]} cells */
const columns = (...cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(9))).join("");
console.log(columns("entry", "raw", "gzip", "brotli", "budget"));

for (const { file, budget } of [...builds].sort((a, b) => (a.file < b.file ? -1 : 1))) {
  const files = [...closure(file)].map(read);
  /** @param {(file: Buffer) => number} size */
  const total = (size) => files.reduce((sum, bytes) => sum + size(bytes), 0);
  const gzip = total((bytes) => gzipSync(bytes, { level: 9 }).length);
  const brotli = total((bytes) => brotliCompressSync(bytes).length);
  const isTooBig = gzip > budget;
  if (isTooBig) process.exitCode = 1;
  const sizes = [total(({ length }) => length), gzip, brotli, budget].map(String);
  console.log(columns(file, ...sizes) + (isTooBig ? "  is too big" : ""));
}

console.log("\nrmsprop.wasm, before functions are merged and stripped of their names:");
for (const [part, bytes] of moduleParts(new URL("../build/simd.wasm", import.meta.url))) {
  console.log(columns(part, String(bytes)));
}
