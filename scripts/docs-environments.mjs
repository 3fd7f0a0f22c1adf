// Writes what `npm run test:runtimes` found: docs/environments.md, and the short table between the markers in README.md.
//
//   node scripts/docs-environments.mjs [results.json ...]      later files win; default: build/runtimes.json, or without
//                                                              one the page itself, which is written anew
//   node scripts/docs-environments.mjs --check                 fails when the page does not list today's environments,
//                                                              or README.md has another table than the page
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { biome, root } from "./tools.mjs";

/**
 * @typedef {object} Result What became of one environment.
 * @property {string} name
 * @property {string} host
 * @property {string} [version]
 * @property {string} way
 * @property {string} entry
 * @property {keyof typeof backends} backend
 * @property {string} status
 * @property {string} [reason]
 *
 * @typedef {{ package: string, date: string, platform: string, crc: string, results: Result[] }} Run
 */

/** @param {string[]} names */
const path = (...names) => join(root, ...names);
const page = path("docs", "environments.md");
const readmeFile = path("README.md");
const markers = ["<!-- environments:begin (npm run docs:environments) -->", "<!-- environments:end -->"];

const backends = { "wasm-simd128": "WebAssembly", js: "JavaScript" };

/**
 * @template T
 * @param {T[]} values
 */
const unique = (values) => [...new Set(values)];
/** @param {unknown[]} cells */
const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
/**
 * @param {string[]} head
 * @param {unknown[][]} rows
 */
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

/** Hosts in the order of the tables: what most readers look for first. Others follow. */
const order = ["Node", "Deno", "Bun", "Chromium", "Firefox", "WebKitGTK", "workerd", "edge-runtime", "Jest", "jsdom"];
/** @param {Result} result */
const rank = ({ host }) => (order.indexOf(host) + order.length + 1) % (order.length + 1);

/**
 * One row per host: its versions, and in how many ways it runs which backend.
 *
 * @param {Result[]} results
 */
function shortTable(results) {
  const rows = unique(results.map(({ host }) => host)).map((host) => {
    const ours = results.filter((result) => result.host === host);
    const versions = unique(ours.map(({ version }) => version).filter(Boolean));
    /** @param {string} backend */
    const passed = (backend) => ours.filter((result) => result.status === "ok" && result.backend === backend);
    const others = ours.filter(({ status }) => status !== "ok");
    const counts = [...Object.keys(backends).map(passed), others].map(({ length }) => length || "–");
    return [host, versions.join(", ") || "–", ...counts];
  });
  // The last column is for what did not run, if there is any.
  const columns = rows.every((cells) => cells.at(-1) === "–") ? 4 : 5;
  const head = ["Environment", "Versions", ...Object.values(backends), "Neither"];
  return table(
    head.slice(0, columns),
    rows.map((cells) => cells.slice(0, columns)),
  );
}

/**
 * A table for each host.
 *
 * @param {Result[]} results
 */
function longTables(results) {
  const head = ["Name", "Version", "Way", "Entry", "Backend"];
  return unique(results.map(({ host }) => host))
    .map((host) => {
      const ours = results.filter((result) => result.host === host);
      const rows = ours.map(({ name, way, entry, version, backend, status, reason }) => {
        const verdict = `**${status}**${reason ? `: ${reason.split("\n")[0]}` : ""}`;
        return [`\`${name}\``, version ?? "", way, `\`${entry}\``, status === "ok" ? backends[backend] : verdict];
      });
      return `### ${host}\n\n${table(head, rows)}`;
    })
    .join("\n\n");
}

/**
 * @param {Run} run
 * @param {Result[]} results
 */
function text({ package: name, date, platform, crc }, results) {
  const counts = unique(results.map(({ status }) => status)).map((status) => {
    return `${results.filter((result) => result.status === status).length} ${status}`;
  });
  return `# Environments

Written by \`npm run docs:environments\` from the last run of \`npm run test:runtimes\`: ${name}, ${date.slice(0, 10)}, ${platform}.
${counts.join(", ")}.

In each environment the packed package is installed and does the same: Keras' own example; 15 trainings of 200 steps over all
options, schedules and both optimizers, saved and loaded in between; growth of memory; errors; \`free\`; 1,000 optimizers at
once; 200 runtimes made and dropped. What the trainings leave behind has the CRC-32 \`${crc}\` everywhere, with WebAssembly and
with JavaScript. An environment counts as ok only with those bits and with the backend that is written here.

In how many ways each host runs which backend:

${shortTable(results)}

## Each of them

\`npm run test:runtimes -- --only NAME\` runs one (or all whose names begin so), \`--install\` installs what it needs.

${longTables(results)}
`;
}

/**
 * The run that the page is about.
 *
 * @returns {Run}
 */
function readPage() {
  const content = readFileSync(page, "utf8");
  const [, name, date, platform] = / of `npm run test:runtimes`: (.*), (.*), (.*)\.\n/.exec(content) ?? [];
  const [, crc] = /CRC-32 `(\w+)`/.exec(content) ?? [];
  if (name === undefined || crc === undefined)
    throw new Error("docs/environments.md does not say which run it is about");
  const backendOf = /** @type {Record<string, keyof typeof backends>} */ (
    Object.fromEntries(Object.entries(backends).map(([backend, title]) => [title, backend]))
  );
  /** @type {Result[]} */
  const results = [];
  for (const section of content.split(/^### /m).slice(1)) {
    const [host, ...lines] = section.split("\n");
    for (const line of lines.filter((line) => /^\| `[\w-]+` +\|/.test(line))) {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
      const [, name, version, way, entry, verdict] = cells;
      const [, status = "ok", reason] = /^\*\*(.*?)\*\*(?:: (.*))?$/.exec(verdict) ?? [];
      /** @param {string} cell */
      const code = (cell) => cell.slice(1, -1);
      results.push({
        name: code(name),
        host,
        ...(version && { version }),
        way,
        entry: code(entry),
        backend: backendOf[verdict] ?? "js",
        status,
        ...(reason && { reason }),
      });
    }
  }
  return { package: name, date, platform, crc, results };
}

/**
 * README.md with the table between its markers, if it has them.
 *
 * @param {Result[]} results
 */
function filledReadme(results) {
  const readme = existsSync(readmeFile) ? readFileSync(readmeFile, "utf8") : "";
  const [begin, end] = markers.map((marker) => readme.indexOf(marker));
  if (begin < 0 || end < begin) return undefined;
  return `${readme.slice(0, begin)}${markers[0]}\n\n${shortTable(results)}\n\n${readme.slice(end)}`;
}

/**
 * The same text however wide the cells are.
 *
 * @param {string} text
 */
const narrow = (text) => text.replace(/ +\|/g, " |").replace(/-{3,}/g, "---");

const files = process.argv.slice(2);
if (files[0] === "--check") {
  const list = execFileSync(process.execPath, [path("test", "runtime", "run.mjs"), "--list"], { encoding: "utf8" });
  const names = list
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  const { results } = readPage();
  const documented = results.map(({ name }) => name);
  const filled = filledReadme(results);
  const differences = [
    ...names.filter((name) => !documented.includes(name)).map((name) => `${name} is not documented`),
    ...documented.filter((name) => !names.includes(name)).map((name) => `${name} is not tested`),
    ...(filled === undefined || narrow(filled) === narrow(readFileSync(readmeFile, "utf8"))
      ? []
      : ["README.md has another table"]),
  ];
  if (differences.length > 0) {
    console.error(
      `The environments are not current: ${differences.join(", ")}.\nnpm run test:runtimes && npm run docs:environments`,
    );
    process.exitCode = 1;
  }
} else {
  const last = path("build", "runtimes.json");
  const given = files.length > 0 ? files : [last].filter(existsSync);
  const runs = given.length > 0 ? given.map((file) => JSON.parse(readFileSync(file, "utf8"))) : [readPage()];
  const all = [...new Map(runs.flatMap((run) => run.results).map((result) => [result.name, result])).values()];
  const results = all.sort((a, b) => rank(a) - rank(b));
  writeFileSync(page, text(runs.at(-1), results));
  const filled = filledReadme(results);
  if (filled !== undefined) writeFileSync(readmeFile, filled);
  execFileSync(process.execPath, [biome, "format", "--write", page, readmeFile], { cwd: root, stdio: "ignore" });
  console.log(`docs/environments.md${filled ? " and README.md" : ""}: ${results.length} environments.`);
}
