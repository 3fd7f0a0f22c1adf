/**
 * `npm run test:examples`: each example that one can copy, as its user has it. The packed package is installed by name in a
 * copy of its folder, its command is run, and what it prints or shows must be the ```text block of its README.
 *
 *   node test/examples/run.mjs [--only name,name] [--install] [--tarball file] [--verbose]
 *
 * What is not on the machine counts as failed if CI=true, and is named otherwise; `--install` installs it, as test/runtime does.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../scripts/tools.mjs";
import { closeBrowsers, gpuChromium } from "../runtime/environments/browser/drivers.mjs";
import { served } from "../runtime/environments/browser/server.mjs";
import { execute, prepare } from "../runtime/kit.mjs";
import { bun, deno, install, isCI, requirements } from "../runtime/needs.mjs";

/** @import { Need } from "../runtime/needs.mjs" */
/**
 * @typedef {object} Example
 * @property {string} name Its folder in examples/.
 * @property {readonly Need[]} [needs]
 * @property {(folder: string) => Promise<string>} run What it prints or shows.
 */

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    install: { type: "boolean", default: false },
    tarball: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const SECONDS = 120;
/** Bun's scripts call `bun`. */
const environment = {
  DENO_NO_UPDATE_CHECK: "1",
  NO_COLOR: "1",
  PATH: [dirname(bun.bin("bun")), process.env.PATH].join(delimiter),
};

/**
 * @param {string} folder
 * @param {string} command
 * @param {readonly string[]} args
 */
const call = (folder, command, ...args) =>
  execute(command, args, { cwd: folder, env: environment, signal: AbortSignal.timeout(SECONDS * 1000) });

/**
 * Builds a page, and opens it until it says something that ends with a full stop.
 *
 * @param {string} output
 * @param {{ reloads?: boolean }} [how] `reloads`: once, as soon as it says anything about a step.
 * @returns {Example["run"]}
 */
const page =
  (output, { reloads = false } = {}) =>
  async (folder) => {
    await call(folder, "npm", "run", "--silent", "build");
    return served(join(folder, output), {}, async (address) => {
      const tab = await (await gpuChromium.browser()).newPage();
      /** @type {string[]} */
      const errors = [];
      tab.on("pageerror", (error) => errors.push(String(error)));
      const said = () => tab.evaluate("document.querySelector('#result').textContent");
      const until = async (/** @type {RegExp} */ pattern) => {
        for (const late = Date.now() + SECONDS * 1000; Date.now() < late && errors.length === 0; ) {
          const text = String(await said());
          if (pattern.test(text)) return text;
          await new Promise((wake) => setTimeout(wake, 50));
        }
        throw new Error(`The page says "${await said()}". ${errors.join("; ")}`);
      };
      try {
        await tab.goto(`${address}/`, { timeout: 0 });
        if (reloads) {
          await until(/^Step [1-9]/);
          await tab.goto(`${address}/`, { timeout: 0 });
        }
        return await until(/\.$|^Failed|^The worker failed/);
      } finally {
        await tab.close();
      }
    });
  };

/** @param {string} command @param {string[]} args @returns {Example["run"]} */
const twice =
  (command, ...args) =>
  async (folder) =>
    (await call(folder, command, ...args)) + (await call(folder, command, ...args));

const python = requirements(join(root, "examples/python/requirements.txt"));

/** @type {readonly Example[]} */
const examples = [
  { name: "vite-worker", needs: gpuChromium.needs, run: page("dist", { reloads: true }) },
  {
    name: "tfjs-finetune",
    needs: gpuChromium.needs,
    run: async (folder) => {
      const said = await page("dist")(folder);
      // README's numbers are open: GPUs differ.
      if ((said.match(/\d+(?= %)/g) ?? []).some((share) => Number(share) < 96))
        throw new Error(`The page says ${said}`);
      return said;
    },
  },
  { name: "deno", needs: [deno], run: twice(deno.bin("deno"), "task", "--quiet", "start") },
  { name: "bun", needs: [bun], run: twice(bun.bin("bun"), "--silent", "start") },
  { name: "cloudflare-worker", run: (folder) => call(folder, "npm", "test", "--silent") },
  { name: "quickjs", run: (folder) => call(folder, "npm", "start", "--silent") },
  { name: "audio-worklet", needs: gpuChromium.needs, run: page("public") },
  {
    name: "python",
    needs: [python],
    run: (folder) => call(folder, python.path, "main.py", "node_modules/rmsprop-wasm/dist/rmsprop.wasm"),
  },
];

/**
 * A copy of an example with its packages; the published package is the tarball.
 *
 * @param {string} name
 * @param {string} tarball
 * @param {string} parent
 */
async function installed(name, tarball, parent) {
  const folder = join(parent, name);
  const isOwn = (/** @type {string} */ path) => !/[\\/](node_modules|dist|__pycache__)$/.test(path);
  await cp(join(root, "examples", name), folder, { recursive: true, filter: isOwn });
  const file = join(folder, "package.json");
  // Python's has none: it takes one file of the package.
  const manifest = JSON.parse(await readFile(file, "utf8").catch(() => '{ "dependencies": {} }'));
  manifest.dependencies["rmsprop-wasm"] = `file:${tarball}`;
  await writeFile(file, JSON.stringify(manifest));
  await call(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
  return folder;
}

/**
 * What is wrong with an example.
 *
 * @param {Example} example
 * @param {string} tarball
 * @param {string} parent
 */
async function complaint({ name, run }, tarball, parent) {
  try {
    const folder = await installed(name, tarball, parent);
    const readme = await readFile(join(folder, "README.md"), "utf8");
    const promised = /^```text\n(.*?)^```$/ms.exec(readme)?.[1].trim() ?? "";
    // `…` stands for anything, as in the examples of the guide.
    const pattern = promised.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const found = (await run(folder)).trim();
    if (options.verbose) console.log(found);
    if (!new RegExp(`^${pattern.join(".+")}$`).test(found)) return `README says\n${promised}\nbut it is\n${found}`;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main() {
  const names = options.only?.split(",") ?? examples.map(({ name }) => name);
  const unknown = names.filter((name) => !examples.some((example) => example.name === name));
  if (unknown.length > 0) throw new Error(`There is no example ${unknown.join(", ")}.`);
  const chosen = examples.filter(({ name }) => names.includes(name));
  if (options.install) await install(chosen.flatMap(({ needs = [] }) => needs));

  const prepared = await prepare(options.tarball === undefined ? undefined : resolve(options.tarball));
  const parent = await mkdtemp(join(tmpdir(), "rmsprop-wasm-examples-"));
  try {
    for (const example of chosen) {
      const started = performance.now();
      const missing = (example.needs ?? []).filter((need) => !need.isInstalled()).map(({ label }) => label);
      const reason = missing.length > 0 ? undefined : await complaint(example, prepared.tarball, parent);
      const status = missing.length > 0 ? "missing" : reason === undefined ? "ok" : "failed";
      if (status === "failed" || (status === "missing" && isCI)) process.exitCode = 1;
      console.log(
        `${status.padEnd(8)} ${example.name.padEnd(18)} ${Math.round(performance.now() - started)} ms  ${missing.join(", ")}`,
      );
      if (reason !== undefined) console.log(reason.replaceAll(/^/gm, "        | "));
    }
  } finally {
    await closeBrowsers();
    await prepared.dispose();
    await rm(parent, { recursive: true, force: true, maxRetries: 3 });
  }
}

await main();
