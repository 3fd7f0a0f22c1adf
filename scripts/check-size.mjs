// Prints how big every file of dist is, and fails when one outgrows its budget: gzipped bytes in scripts/size-budget.json,
// by name or, for all others, by extension.
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const budgets = JSON.parse(readFileSync(new URL("size-budget.json", import.meta.url), "utf8"));
const columns = (...cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(26) : cell.padStart(9))).join("");

let failed = false;
console.log(columns("dist/", "raw", "gzip", "brotli", "budget"));
for (const name of readdirSync(dist).sort()) {
  const bytes = readFileSync(new URL(name, dist));
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const budget = budgets[name] ?? budgets[/(\.d)?\.\w+$/.exec(name)[0]];
  const fits = gzip <= budget;
  if (!fits) failed = true;
  const sizes = [bytes.length, gzip, brotliCompressSync(bytes).length, budget].map(String);
  console.log(columns(name, ...sizes) + (fits ? "" : "  is too big"));
}
process.exitCode = failed ? 1 : 0;
