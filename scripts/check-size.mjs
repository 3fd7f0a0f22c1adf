// Prints how big every file of dist is, and fails when one outgrows its budget (gzipped bytes, scripts/size-budget.json).
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const budgets = JSON.parse(readFileSync(new URL("size-budget.json", import.meta.url), "utf8"));
const columns = (...cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(9))).join("");

let failed = false;
console.log(columns("dist/", "raw", "gzip", "brotli", "budget"));
for (const name of readdirSync(dist).sort()) {
  const bytes = readFileSync(new URL(name, dist));
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const budget = budgets[name];
  const verdict = budget === undefined ? "  has no budget" : gzip > budget ? "  is too big" : "";
  if (verdict) failed = true;
  const sizes = [bytes.length, gzip, brotliCompressSync(bytes).length, budget ?? 0].map(String);
  console.log(columns(name, ...sizes) + verdict);
}
process.exitCode = failed ? 1 : 0;
