// Bundlers: each builds a small app that imports the package, without any configuration, and the result runs in Node or in
// Chromium. The only exception is Parcel, which does not look at the `exports` of packages unless it is told to.
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { bun, npm } from "../needs.mjs";
import { chromium, closeBrowsers } from "./browser/drivers.mjs";
import { served } from "./browser/server.mjs";

/** @import { Backend, Environment, ExecuteSettings, Files, Kit, Report } from "../types.js" */

/** @typedef {ReturnType<typeof npm>} Tool */
/** @typedef {(kit: Kit) => Promise<Report | string>} Build */
/**
 * @typedef {object} Way
 * @property {string} name
 * @property {string} host
 * @property {string} way
 * @property {string} [entry]
 * @property {Backend} [backend]
 * @property {Tool} tool
 * @property {boolean} [inBrowser]
 * @property {number} [seconds]
 * @property {Build} run
 */

const WASM = "wasm-simd128";
const JS = "js";

const vite7 = npm({ vite: "7.3.8" });
const vite8 = npm({ vite: "8.3.8" });
const webpack = npm({ webpack: "5.112.2", "webpack-cli": "7.3.1" });
const rollup = npm({ rollup: "4.68.7", "@rollup/plugin-node-resolve": "16.0.3" });
const rolldown = npm({ rolldown: "1.3.2" });
const esbuild = npm({ esbuild: "0.28.2" });
const parcel = npm({ parcel: "2.16.4" });
const next = npm({ next: "16.4.6", react: "19.3.1", "react-dom": "19.3.1" });

/**
 * @param {string} script
 * @param {string} [type]
 */
const html = (script, type = "module") => `<!doctype html>
<meta charset="utf-8" />
<title>rmsprop-wasm</title>
<script type="${type}" src="${script}"></script>
`;

/** An app for browsers: the report is where drivers look for it. */
const app = `import * as rmsprop from "rmsprop-wasm";
import { suite } from "../suite.js";
globalThis.report = JSON.stringify(suite(rmsprop));
`;

/**
 * The same with ./slim, whose WebAssembly is in the file that these lines call `source`.
 *
 * @param {string} lines
 */
const slimApp = (lines) => `import { init } from "rmsprop-wasm/slim";
import * as rmsprop from "rmsprop-wasm/slim";
import { suite } from "../suite.js";
${lines}
globalThis.report = init(source).then(() => JSON.stringify(suite(rmsprop)));
`;

/**
 * Builds an app with a command, and opens `page` of the folder `output`.
 *
 * @param {Tool} tool
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ code?: string, files?: Files, output?: string, page?: string }} [app]
 * @returns {Build}
 */
const inChromium =
  (tool, command, args, { code = app, files = {}, output = "dist", page = "index.html" } = {}) =>
  async (kit) => {
    const cwd = await kit.folder({ "src/index.js": code, ...files });
    await kit.execute(tool.bin(command), args, { cwd });
    const { report } = await served(join(cwd, output), {}, (address) => chromium.open(`${address}/${page}`));
    return report;
  };

/**
 * Builds a program with a command, and runs the file `output` with this Node.
 *
 * @param {Tool} tool
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} output
 * @param {(kit: Kit) => string} [write]
 * @returns {Build}
 */
const inNode = (tool, command, args, output, write) => async (kit) => {
  const cwd = await kit.folder({ "main.js": write?.(kit) ?? kit.main() });
  await kit.execute(tool.bin(command), args, { cwd });
  return kit.execute(process.execPath, [output], { cwd });
};

/**
 * Calls `work(address)` while a server runs that prints its address.
 *
 * @template T
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Required<Pick<ExecuteSettings, "cwd" | "signal">> & Pick<ExecuteSettings, "env">} settings
 * @param {(address: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function whileServing(command, args, { cwd, env, signal }, work) {
  const detached = process.platform !== "win32";
  const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, detached });
  const end = () => {
    try {
      if (detached && child.pid) process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", end);
  try {
    /** @type {string} */
    const address = await new Promise((resolve, reject) => {
      let output = "";
      const read = (/** @type {Buffer} */ text) => {
        output += text;
        const found = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(output);
        if (found) resolve(found[0]);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("error", reject);
      child.on("close", () => reject(new Error(`${command} ended:\n${output.slice(-1000)}`)));
    });
    return await work(address);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

// --- vite ---------------------------------------------------------------------------------------------------------------

/** @param {string} [code] */
const viteFiles = (code = app) => ({ "index.html": html("/src/index.js"), "src/index.js": code });
const viteUrl = slimApp('import source from "rmsprop-wasm/rmsprop.wasm?url";');

/**
 * @param {Tool} tool
 * @param {string} [code]
 */
const viteBuild = (tool, code = app) => inChromium(tool, "vite", ["build"], { code, files: viteFiles(code) });

/**
 * @param {Tool} tool
 * @param {string} [code]
 * @returns {Build}
 */
const viteDev = (tool, code) => async (kit) => {
  const cwd = await kit.folder(viteFiles(code));
  const args = ["--host", "127.0.0.1", "--port", "0"];
  const { report } = await whileServing(tool.bin("vite"), args, { cwd, signal: kit.signal }, chromium.open);
  return report;
};

/**
 * @param {number} major
 * @param {Tool} tool
 * @returns {Way[]}
 */
const vite = (major, tool) => [
  { name: `vite-${major}-build`, host: "vite", way: "build", tool, run: viteBuild(tool) },
  { name: `vite-${major}-dev`, host: "vite", way: "development server", tool, run: viteDev(tool) },
  {
    name: `vite-${major}-slim-build`,
    host: "vite",
    way: "build, rmsprop.wasm?url",
    entry: "./slim",
    tool,
    run: viteBuild(tool, viteUrl),
  },
  {
    name: `vite-${major}-slim-dev`,
    host: "vite",
    way: "development server, rmsprop.wasm?url",
    entry: "./slim",
    tool,
    run: viteDev(tool, viteUrl),
  },
];

// --- Next ---------------------------------------------------------------------------------------------------------------

const nextRoute = `import * as rmsprop from "rmsprop-wasm";
import { suite } from "../../suite.js";
export const GET = () => Response.json(suite(rmsprop));
`;

const nextFiles = {
  // As create-next-app makes it: with `"type": "module"`, Next 16 cannot build edge routes with webpack, whatever is in them.
  "package.json": JSON.stringify({ private: true }),
  "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;\n",
  "app/client/page.js": `"use client";
import * as rmsprop from "rmsprop-wasm";
import { useEffect } from "react";
import { suite } from "../../suite.js";
export default function Page() {
  useEffect(() => {
    globalThis.report = JSON.stringify(suite(rmsprop));
  }, []);
}
`,
  "app/server/route.js": `${nextRoute}export const dynamic = "force-dynamic";\n`,
  "app/edge/route.js": `${nextRoute}export const runtime = "edge";\n`,
};

/** @type {string[]} */
const folders = [];

/**
 * An app that this compiler builds once for all of its environments.
 *
 * @param {string} compiler
 */
function nextApp(compiler) {
  /** @type {Promise<string> | undefined} */
  let building;
  const build = async (/** @type {Kit} */ kit) => {
    // Below Next's own node_modules: Next does not follow links out of a project.
    const folder = await mkdtemp(join(next.folder, "app-"));
    folders.push(folder);
    await cp(await kit.folder(nextFiles), folder, { recursive: true });
    const env = { NEXT_TELEMETRY_DISABLED: "1" };
    await kit.execute(next.bin("next"), ["build", compiler], { cwd: folder, env });
    return folder;
  };
  /**
   * @param {string} path
   * @param {(address: string) => Promise<Report | string>} read
   * @returns {Build}
   */
  const look = (path, read) => async (kit) => {
    building ??= build(kit);
    const cwd = await building;
    const args = ["start", "--hostname", "127.0.0.1", "--port", "0"];
    return whileServing(next.bin("next"), args, { cwd, signal: kit.signal }, (address) => read(`${address}/${path}`));
  };
  const get = async (/** @type {string} */ address) => (await fetch(address)).text();
  return {
    client: look("client", async (address) => (await chromium.open(address)).report),
    server: look("server", get),
    edge: look("edge", get),
  };
}

/**
 * @param {string} compiler
 * @returns {Way[]}
 */
const nextWith = (compiler) => {
  const { client, server, edge } = nextApp(`--${compiler}`);
  const common = { host: "Next", tool: next, seconds: 300 };
  return [
    { ...common, name: `next-${compiler}-client`, way: `client, ${compiler}`, run: client },
    { ...common, name: `next-${compiler}-server`, way: `server, ${compiler}`, inBrowser: false, run: server },
    { ...common, name: `next-${compiler}-edge`, way: `edge, ${compiler}`, backend: JS, inBrowser: false, run: edge },
  ];
};

// --- all ----------------------------------------------------------------------------------------------------------------

/** @type {readonly Way[]} */
const ways = [
  ...vite(7, vite7),
  ...vite(8, vite8),
  {
    name: "webpack",
    host: "webpack",
    way: "production",
    tool: webpack,
    run: inChromium(webpack, "webpack", ["--mode", "production"], { files: { "dist/index.html": html("main.js") } }),
  },
  {
    name: "webpack-slim",
    host: "webpack",
    way: "production, new URL()",
    entry: "./slim",
    tool: webpack,
    run: inChromium(webpack, "webpack", ["--mode", "production"], {
      code: slimApp('const source = new URL("rmsprop-wasm/rmsprop.wasm", import.meta.url);'),
      files: { "dist/index.html": html("main.js") },
    }),
  },
  {
    name: "webpack-slim-instance",
    inBrowser: false,
    host: "webpack",
    way: "production, import * as instance, in Node",
    entry: "./slim",
    tool: webpack,
    run: inNode(
      webpack,
      "webpack",
      ["--mode", "production", "--target", "node", "--entry", "./main.js", "--output-filename", "main.cjs"],
      "dist/main.cjs",
      (kit) => `import * as wasm from "rmsprop-wasm/rmsprop.wasm";
import * as rmsprop from "rmsprop-wasm/slim";
import { suite } from "./suite.js";
rmsprop.initSync(wasm);
const report = suite(rmsprop, { runtimes: 1 });
${kit.print}`,
    ),
  },
  {
    name: "rollup",
    inBrowser: false,
    host: "Rollup",
    way: "with node-resolve, in Node",
    tool: rollup,
    run: inNode(rollup, "rollup", ["main.js", "--plugin", "node-resolve", "--file", "out.mjs"], "out.mjs"),
  },
  {
    name: "rolldown",
    inBrowser: false,
    host: "Rolldown",
    way: "in Node",
    tool: rolldown,
    run: inNode(rolldown, "rolldown", ["main.js", "--file", "out.mjs"], "out.mjs"),
  },
  {
    name: "esbuild-node",
    inBrowser: false,
    host: "esbuild",
    way: "for Node, CommonJS",
    tool: esbuild,
    run: inNode(esbuild, "esbuild", ["main.js", "--bundle", "--platform=node", "--outfile=out.cjs"], "out.cjs"),
  },
  {
    name: "esbuild-browser",
    host: "esbuild",
    way: "for browsers, minified",
    tool: esbuild,
    run: inChromium(esbuild, "esbuild", ["src/index.js", "--bundle", "--minify", "--outfile=dist/main.js"], {
      files: { "dist/index.html": html("main.js", "text/javascript") },
    }),
  },
  {
    name: "esbuild-slim",
    host: "esbuild",
    way: "for browsers, --loader:.wasm=binary",
    entry: "./slim",
    tool: esbuild,
    run: inChromium(
      esbuild,
      "esbuild",
      ["src/index.js", "--bundle", "--loader:.wasm=binary", "--outfile=dist/main.js"],
      {
        code: slimApp('import source from "rmsprop-wasm/rmsprop.wasm";'),
        files: { "dist/index.html": html("main.js", "text/javascript") },
      },
    ),
  },
  {
    name: "parcel",
    host: "Parcel",
    way: "build",
    tool: parcel,
    run: inChromium(parcel, "parcel", ["build", "index.html", "--no-cache"], {
      files: {
        "index.html": html("src/index.js"),
        "package.json": JSON.stringify({ private: true }),
      },
    }),
  },
  {
    name: "bun-build-node",
    inBrowser: false,
    host: "bun build",
    way: "for Node",
    tool: bun,
    run: inNode(bun, "bun", ["build", "main.js", "--target=node", "--outfile=out.mjs"], "out.mjs"),
  },
  {
    name: "bun-build-browser",
    host: "bun build",
    way: "for browsers, minified",
    tool: bun,
    run: inChromium(bun, "bun", ["build", "index.html", "--minify", "--outdir=dist"], {
      files: { "index.html": html("src/index.js") },
    }),
  },
  ...nextWith("turbopack"),
  ...nextWith("webpack"),
];

/** @type {readonly Environment[]} */
export const environments = ways.map(
  ({ name, host, way, entry = ".", backend = WASM, tool, inBrowser = true, seconds, run }) => ({
    name,
    host,
    way,
    entry,
    backend,
    seconds,
    needs: [tool, ...(inBrowser ? chromium.needs : [])],
    run: async (kit) => ({ version: tool.version, report: await run(kit) }),
  }),
);

export async function close() {
  await closeBrowsers();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
}
