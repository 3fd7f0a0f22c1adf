// What environments are given to bring the suite to run; the header of run.mjs documents it.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rollup } from "rollup";
import { root } from "../../scripts/tools.mjs";

/** @import { BundleSettings, ExecuteSettings, Files, Prepared, Report } from "./types.js" */
/** @typedef {string | undefined | { [condition: string]: Exported }} Exported */

/** The line with the report: hosts print other things too. */
const MARK = "rmsprop-wasm report: ";

/** Where npm puts the package. */
const INSTALLED = "node_modules/rmsprop-wasm";

/**
 * Packs the package (or takes a tarball), and installs it in a folder from which all others are copied.
 *
 * @param {string} [packed]
 */
export async function prepare(packed) {
  const folder = await mkdtemp(join(tmpdir(), "rmsprop-wasm-runtimes-"));
  const npm = (/** @type {readonly string[]} */ args) =>
    execute("npm", [...args, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      signal: AbortSignal.timeout(120_000),
    });
  const tarball = packed ?? join(folder, JSON.parse(await npm(["pack", root, "--json"]))[0].filename);
  const template = join(folder, "template");
  await mkdir(template);
  await writeFile(join(template, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await npm(["install", "--offline", "--prefix", template, tarball]);
  const manifest = JSON.parse(await readFile(join(template, INSTALLED, "package.json"), "utf8"));
  const suite = await readFile(new URL("suite.js", import.meta.url), "utf8");
  await writeFile(join(template, "suite.js"), suite);
  await cp(new URL("storage.js", import.meta.url), join(template, "storage.js"));
  // The file's only syntax that a classic script does not have.
  const classic = `globalThis.suite = (() => {\n${suite.replaceAll(/^export /gm, "")}\nreturn suite;\n})();\n`;
  await writeFile(join(template, "suite.iife.js"), classic);
  return {
    folder,
    template,
    tarball,
    manifest,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * The standard output of a command; the error of one that fails has the end of its output.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ExecuteSettings} settings
 * @returns {Promise<string>}
 */
export function execute(command, args, { cwd, env, input = "", signal }) {
  // A group of its own, so that its children end with it.
  const detached = process.platform !== "win32";
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached,
    shell: process.platform === "win32" && command === "npm",
  });
  const kill = () => {
    try {
      if (detached && child.pid) process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal?.addEventListener("abort", kill);
  let [output, all] = ["", ""];
  child.stdout.on("data", (text) => {
    output += text;
    all += text;
  });
  child.stderr.on("data", (text) => {
    all += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, killer) => {
      signal?.removeEventListener("abort", kill);
      if (code === 0) return resolve(output);
      const end = all.trim().split("\n").slice(-12).join("\n");
      reject(new Error(`${command} ended with ${killer ?? code}${end ? `:\n${end}` : ""}`));
    });
  });
}

/**
 * @param {Prepared} prepared
 * @param {number} seconds
 */
export function createKit(prepared, seconds) {
  /** @type {string[]} */
  const folders = [];
  const limit = new AbortController();
  const { signal } = limit;
  /** @param {string} entry @param {readonly string[]} [conditions] */
  const file = (entry, conditions = []) => {
    const found = target(prepared.manifest.exports[entry], [...conditions, "default"]);
    if (!found) throw new Error(`the package has no entry ${entry}`);
    return `${INSTALLED}/${found.slice(2)}`;
  };
  const print = `console.log(${JSON.stringify(MARK)} + (typeof report === "string" ? report : JSON.stringify(report)));\n`;
  const kit = {
    root,
    tarball: prepared.tarball,
    signal,

    /** @param {Files} [files] */
    async folder(files = {}) {
      const folder = await mkdtemp(join(prepared.folder, "app-"));
      folders.push(folder);
      await cp(prepared.template, folder, { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), content);
      }
      return folder;
    },

    /**
     * @param {string} command
     * @param {readonly string[]} args
     * @param {ExecuteSettings} [settings]
     */
    execute: (command, args, settings = {}) => execute(command, args, { signal, ...settings }),

    print,
    file,

    /**
     * @param {string} [entry]
     * @param {string} [from]
     */
    main: (entry = ".", from = `rmsprop-wasm${entry.slice(1)}`) => `import * as rmsprop from ${JSON.stringify(from)};
import { suite } from "./suite.js";
const report = suite(rmsprop);
${print}`,

    /** @param {string} path */
    storing: (path) => `import * as rmsprop from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as files from "rmsprop-wasm/checkpoint/node";
import { storage } from "./storage.js";
import { suite } from "./suite.js";
const report = suite(rmsprop);
report.results.push(await storage(rmsprop, checkpoint, files, ${JSON.stringify(path)}));
${print}`,

    /**
     * @param {string} text
     * @returns {Report}
     */
    report(text) {
      if (text.startsWith("{")) return JSON.parse(text);
      const line = text.split("\n").find((each) => each.includes(MARK));
      if (line === undefined) throw new Error(`there is no report in: ${text.slice(-400)}`);
      return JSON.parse(line.slice(line.indexOf(MARK) + MARK.length));
    },

    /**
     * @param {string} folder
     * @param {string} code
     * @param {BundleSettings} [settings]
     */
    async bundle(folder, code, { format = "esm", name, conditions = [], external = [] } = {}) {
      const main = join(folder, "bundled.js");
      /** @type {import("rollup").Plugin} */
      const plugin = {
        name: "runtimes",
        resolveId(id) {
          if (id === main) return id;
          if (external.includes(id)) return { id, external: true };
          if (!id.startsWith("rmsprop-wasm")) return null;
          return join(folder, file(`.${id.slice("rmsprop-wasm".length)}`, conditions));
        },
        load: (id) => (id === main ? code : null),
      };
      const onwarn = (/** @type {{ message: string }} */ warning) => {
        throw new Error(warning.message);
      };
      const bundle = await rollup({ input: main, plugins: [plugin], onwarn });
      const { output } = await bundle.generate({ format, ...(name !== undefined && { name }) });
      await bundle.close();
      return output[0].code;
    },

    /**
     * `work`, or an error at the time limit.
     *
     * @template T
     * @param {Promise<T>} work
     * @returns {Promise<T>}
     */
    async withinTime(work) {
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      /** @type {Promise<never>} */
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`not finished after ${seconds} s`));
          limit.abort();
        }, seconds * 1000);
      });
      try {
        return await Promise.race([work, late]);
      } finally {
        clearTimeout(timer);
      }
    },

    async dispose() {
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 })));
    },
  };
  return kit;
}

/**
 * The file that a package's `exports` name under these conditions.
 *
 * @param {Exported} exported
 * @param {readonly string[]} conditions
 * @returns {string | undefined}
 */
function target(exported, conditions) {
  if (typeof exported === "string") return exported;
  for (const [condition, inner] of Object.entries(exported ?? {})) {
    const found = conditions.includes(condition) ? target(inner, conditions) : undefined;
    if (found) return found;
  }
  return undefined;
}
