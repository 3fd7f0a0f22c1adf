// `npm run entries`: writes what follows from scripts/entries.mjs into package.json, jsr.json, README.md and docs/size.md.
// With `--check` it only says what is not current.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { builds, jsrExcludes, jsrExports, packageExports, readmeRows, sizeRows } from "./entries.mjs";
import { biome, root } from "./tools.mjs";

const MARKERS = ["<!-- entries:begin (npm run entries) -->", "<!-- entries:end -->"];

/** @param {string[]} cells */
const line = (cells) => `| ${cells.join(" | ")} |\n`;

/**
 * A page with another table between its markers.
 *
 * @param {string} page
 * @param {string[]} head
 * @param {string[][]} rows
 */
function withTable(page, head, rows) {
  const [begin, end] = MARKERS.map((marker) => page.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) {
    throw new Error(`expected ${MARKERS.join(" and ")} around the table of entries`);
  }
  const rule = head.map((_, i) => (i === head.length - 1 ? "---:" : "---"));
  const table = [head, rule, ...rows].map(line).join("");
  return `${page.slice(0, begin)}${MARKERS[0]}\n\n${table}\n${page.slice(end)}`;
}

/** The sum of these files' budgets, in kB. @param {string[]} files */
function kilobytes(...files) {
  const bytes = builds.filter(({ file }) => files.includes(file)).reduce((sum, { budget }) => sum + budget, 0);
  return (bytes / 1000).toFixed(0);
}

/** The sizes in README's headline. @param {string} page */
const withHeadline = (page) =>
  page
    .replace(/\*\*\d+ kB\*\*/, `**${kilobytes("index.js")} kB**`)
    .replace(/\[\d+ kB\]\(docs\/size\.md\)/, `[${kilobytes("slim.js", "rmsprop.wasm")} kB](docs/size.md)`);

/** @type {Record<string, (text: string) => string>} */
const changes = {
  "package.json": (text) => JSON.stringify({ ...JSON.parse(text), exports: packageExports() }),
  "jsr.json": (text) => {
    const manifest = JSON.parse(text);
    return JSON.stringify({
      ...manifest,
      exports: jsrExports(),
      publish: { ...manifest.publish, exclude: jsrExcludes() },
    });
  },
  "README.md": (text) => withHeadline(withTable(text, ["Entry", "For", "kB, gzip"], readmeRows())),
  "docs/size.md": (text) => withTable(text, ["File", "Entry", "Budget, bytes"], sizeRows()),
};

/** The files that are not current, and how they should read. */
export function outdated() {
  return Object.entries(changes).flatMap(([path, change]) => {
    const text = readFileSync(join(root, path), "utf8");
    const args = [biome, "format", `--stdin-file-path=${path}`];
    const wanted = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", input: change(text) });
    return wanted === text ? [] : [{ path, wanted }];
  });
}

if (process.argv[1] === import.meta.filename) {
  const found = outdated();
  for (const { path, wanted } of found) {
    if (!process.argv.includes("--check")) writeFileSync(join(root, path), wanted);
    console.log(process.argv.includes("--check") ? `${path} is not current: npm run entries` : `${path} written.`);
  }
  if (found.length > 0 && process.argv.includes("--check")) process.exitCode = 1;
}
