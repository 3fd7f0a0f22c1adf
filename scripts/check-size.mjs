// Prints what each entry costs with everything that it imports, and what the module is made of. Fails when an entry outgrows
// its budget in scripts/entries.mjs.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { additions, builds } from "./entries.mjs";
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

/**
 * A bundle of what a program imports, minified and gzipped: what two imports share is in it once.
 *
 * @param {string} contents
 */
async function bundleSize(contents) {
  const resolveDir = fileURLToPath(new URL("..", import.meta.url));
  const { outputFiles } = await build({
    ...{ stdin: { contents, resolveDir }, bundle: true, minify: true, write: false },
    ...{ format: "esm", platform: "browser", target: "es2022", external: ["node:*"] },
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

console.log("\nwhat an import adds to a user's bundle that has what it is for:");
console.log(columns("import", "gzip", "budget"));
for (const { to, add, budget } of additions) {
  const gzip = (await bundleSize(`${to}\n${add}`)) - (await bundleSize(to));
  const isTooBig = gzip > budget;
  if (isTooBig) process.exitCode = 1;
  console.log(
    columns(/** @type {string} */ (/{ (\w+) }/.exec(add)?.[1]), String(gzip), String(budget)) +
      (isTooBig ? "  is too big" : ""),
  );
}

console.log("\nrmsprop.wasm, before functions are merged and stripped of their names:");
for (const [part, bytes] of moduleParts(new URL("../build/simd.wasm", import.meta.url))) {
  console.log(columns(part, String(bytes)));
}
