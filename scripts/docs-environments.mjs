// Writes what `npm run test:runtimes` found: docs/environments.md, from test/runtime/results.json.
//
//   node scripts/docs-environments.mjs [results.json ...]      first keeps these results, of which later files win; default:
//                                                              build/runtimes.json if there is one
//   node scripts/docs-environments.mjs --check                 fails when today's environments are not those of the results
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
const kept = path("test", "runtime", "results.json");

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

/** @param {Result} result */
const versionOf = ({ host, version = "" }) => (host === "Node" ? version.split(".")[0] : version);

/**
 * The ways of a host, each with its versions where only some have it.
 *
 * @param {Result[]} results
 * @param {readonly string[]} versions All of the host.
 */
function waysOf(results, versions) {
  const ways = unique(results.map(({ way }) => way)).map((way) => {
    const having = unique(results.filter((result) => result.way === way).map(versionOf));
    return having.length < versions.length ? `${way} (${having.join(", ")})` : way;
  });
  return ways.join("; ") || "–";
}

/**
 * A row for each host and entry.
 *
 * @param {Result[]} results
 */
function hostsTable(results) {
  const rows = unique(results.map(({ host }) => host)).flatMap((host) => {
    const ours = results.filter((result) => result.host === host);
    const versions = unique(ours.map(versionOf));
    return unique(ours.map(({ entry }) => entry)).map((entry, i) => {
      const cells = Object.keys(backends).map((backend) => {
        const ways = ours.filter((result) => result.entry === entry && result.backend === backend);
        return waysOf(ways, versions);
      });
      const first = [host, unique(ours.map(({ version }) => version ?? "–")).join(", ")];
      return [...(i === 0 ? first : ["", ""]), `\`${entry}\``, ...cells];
    });
  });
  return table(["Environment", "Versions", "Entry", ...Object.values(backends)], rows);
}

/** @param {Run} run */
function text({ package: name, date, platform, crc, results }) {
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

[Where it runs](where-it-runs.md) says what each host needs. Here is what was run, and which backend computed.
\`npm run test:runtimes -- --list\` names each of them, \`--only NAME\` runs one (or all whose names begin so), \`--install\` installs what it
needs; \`test/runtime/results.json\` has each result.

${hostsTable(results.filter(({ status }) => status === "ok"))}
${missing(results)}`;
}

/**
 * What did not run, and why.
 *
 * @param {Result[]} results
 */
function missing(results) {
  const others = results.filter(({ status }) => status !== "ok");
  if (others.length === 0) return "";
  const lines = others.map(
    ({ host, way, status, reason = "" }) => `- ${host}, ${way}: ${status}, ${reason.split("\n")[0]}`,
  );
  return `\n## Not run\n\n${lines.join("\n")}\n`;
}

/** @param {string} file @returns {Run} */
const read = (file) => JSON.parse(readFileSync(file, "utf8"));

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
  const documented = read(kept).results.map(({ name }) => name);
  const differences = [
    ...names.filter((name) => !documented.includes(name)).map((name) => `${name} is not documented`),
    ...documented.filter((name) => !names.includes(name)).map((name) => `${name} is not tested`),
    ...(narrow(text(read(kept))) === narrow(readFileSync(page, "utf8"))
      ? []
      : ["docs/environments.md has other results"]),
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
  const runs = given.length > 0 ? given.map(read) : [read(kept)];
  const all = [...new Map(runs.flatMap((run) => run.results).map((result) => [result.name, result])).values()];
  const results = all
    .sort((a, b) => rank(a) - rank(b))
    .map(({ name, host, version, way, entry, backend, status, reason }) => {
      return { name, host, ...(version && { version }), way, entry, backend, status, ...(reason && { reason }) };
    });
  const run = { ...runs[runs.length - 1], results };
  // One line for each result.
  const lines = results.map((result) => JSON.stringify(result));
  const head = JSON.stringify({ ...run, results: [] }).slice(0, -2);
  writeFileSync(kept, `${head}\n${lines.join(",\n")}\n]}\n`);
  writeFileSync(page, text(run));
  execFileSync(process.execPath, [biome, "format", "--write", page], { cwd: root, stdio: "ignore" });
  console.log(`docs/environments.md: ${results.length} environments.`);
}
