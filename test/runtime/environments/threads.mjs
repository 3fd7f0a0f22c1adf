// Several threads, where they can be had, and one where they cannot.
import { readFile } from "node:fs/promises";
import { bun, deno, node } from "../needs.mjs";
import { closeBrowsers } from "./browser/drivers.mjs";
import { described, hosts, page } from "./browsers.mjs";

/** @import { Backend, BrowserWay, Environment, Files, Kit, Variables } from "../types.js" */

/** @typedef {{ wanted?: number, backend?: Backend }} More How many threads, and which backend, there must be. */

export const close = closeBrowsers;

const entry = "./threads";
const suite = await readFile(new URL("../threads.js", import.meta.url), "utf8");

/**
 * The process must also end by itself.
 *
 * @param {Kit} kit
 * @param {number} wanted
 * @returns {Files}
 */
const files = (kit, wanted) => ({
  "threads-suite.js": suite,
  "main.mjs": `import * as rmsprop from "./${kit.file(".")}";
import * as threads from "./${kit.file(entry)}";
import { threadedReport } from "./threads-suite.js";
const report = await threadedReport(rmsprop, threads, ${wanted});
${kit.print}`,
});

/**
 * A command that runs main.mjs.
 *
 * @param {string} name
 * @param {string} host
 * @param {string} way
 * @param {import("../needs.mjs").Need & { version?: string }} need
 * @param {(cwd: string) => [program: string, args: readonly string[], env?: Variables]} execute
 * @param {More} [more]
 * @returns {Environment}
 */
const command = (name, host, way, need, execute, { wanted = 3, backend = "wasm-simd128" } = {}) => ({
  name,
  host,
  way,
  entry,
  backend,
  needs: [need],
  async run(kit) {
    const cwd = await kit.folder(files(kit, wanted));
    const [program, args, env] = execute(cwd);
    const report = await kit.execute(program, args, { cwd, env });
    return { version: need.version ?? (await kit.execute(program, ["--version"])).trim().slice(1), report };
  },
});

const versions = { 20: "20.20.2", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" };
const inNode = Object.entries(versions).map(([major, version]) => {
  const need = node(version);
  return command(`node-${major}-threads`, "Node", "threads", need, () => [need.command, ["main.mjs"]]);
});

const isolated = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const policy = "script-src 'self' 'wasm-unsafe-eval'";

/** What a page's headers make of it. WebKitGTK has no shared memory at all. */
const inBrowsers = hosts.flatMap((host) => {
  const most = host.name === "webkitgtk" ? 1 : 3;
  const ways = [
    {
      name: "threads",
      way: "page, cross-origin isolated: threads",
      run: page(`threads.html?threads=${most}`, "", isolated),
    },
    { name: "threads-one", way: "page, not isolated: one thread", run: page("threads.html?threads=1") },
    {
      name: "threads-csp",
      way: "page, isolated, CSP without blob: one thread",
      run: page("threads.html?threads=1", policy, isolated),
    },
    {
      name: "threads-file",
      way: "page, isolated, CSP: threads of the package's file",
      run: page(`threads.html?threads=${most}&file`, policy, isolated),
    },
  ];
  return ways.map((way) => described(host, { entry, ...way, run: withSuite(way.run) }));
});

/**
 * The site with the suite for threads.
 *
 * @param {BrowserWay["run"]} run
 * @returns {BrowserWay["run"]}
 */
function withSuite(run) {
  return (kit, driver) => run({ ...kit, folder: (more) => kit.folder({ ...more, "threads-suite.js": suite }) }, driver);
}

const denoFlags = ["run", "--no-remote", "--node-modules-dir=manual"];
/**
 * @param {string} name
 * @param {string} way
 * @param {readonly string[]} flags
 * @param {More} [more]
 */
const inDeno = (name, way, flags, more) =>
  command(
    name,
    "Deno",
    way,
    deno,
    (cwd) => [
      deno.bin("deno"),
      [...denoFlags, ...flags, "main.mjs"],
      { DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1", DENO_DIR: `${cwd}/.deno` },
    ],
    more,
  );

/** @type {readonly Environment[]} */
export const environments = [
  ...inNode,
  inDeno("deno-threads", "threads, no permissions", []),
  inDeno("deno-threads-jitless", "--jitless: one thread", ["--v8-flags=--jitless"], { wanted: 1, backend: "js" }),
  command("bun-threads", "Bun", "threads", bun, () => [bun.bin("bun"), ["run", "main.mjs"]]),
  ...inBrowsers,
];
