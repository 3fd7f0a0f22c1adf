/**
 * `npm run test:gpu`: the adapter for TensorFlow.js on WebGL and WebGPU in real browsers, whose GPUs are software here.
 *
 *   node test/gpu/run.mjs [--only name,name] [--parts cases,special,…] [--install] [--verbose]
 *
 * Bundles page.js with tfjs, opens it in each browser, and prints what was wrong. A browser that is not there counts as failed if
 * CI=true, and is named otherwise. `--install` installs what is missing first, as test/runtime does.
 * `--parts times` measures instead: it is not among the parts that run by themselves.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as drivers from "../runtime/environments/browser/drivers.mjs";
import { served } from "../runtime/environments/browser/server.mjs";
import { install, isCI, npm } from "../runtime/needs.mjs";

/** @import { PageReport } from "./types.js" */

const root = join(import.meta.dirname, "..", "..");
const TFJS = "4.22.0";
const tools = npm({
  "@tensorflow/tfjs-core": TFJS,
  "@tensorflow/tfjs-layers": TFJS,
  "@tensorflow/tfjs-backend-webgl": TFJS,
  "@tensorflow/tfjs-backend-webgpu": TFJS,
  esbuild: "0.28.2",
});

const everything = ["cases", "special", "launches", "convolution", "transfers"];
/** Only if `--parts` names them: they measure. */
const measurements = ["times"];
const RUNS = [
  { name: "chromium-webgl", driver: drivers.gpuChromium, backend: "webgl", parts: everything },
  {
    name: "chromium-webgpu",
    driver: drivers.gpuChromium,
    backend: "webgpu",
    // `transfers` reads at once.
    parts: everything.filter((part) => part !== "transfers"),
  },
  { name: "chromium-webgpu-screen", driver: drivers.gpuChromiumOnScreen, backend: "webgpu", parts: ["transfers"] },
  // Another software GPU, llvmpipe.
  { name: "firefox-webgl", driver: drivers.gpuFirefox, backend: "webgl", parts: ["cases", "special"] },
  { name: "webkit-webgl", driver: drivers.gpuWebkit, backend: "webgl", parts: ["cases", "special"] },
];

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    parts: { type: "string" },
    install: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const SECONDS = 300;

/**
 * One script of page.js and all it imports, and a page for it.
 *
 * @param {string} folder
 */
async function site(folder) {
  const { build } = await tools.import("esbuild");
  /** @type {import("esbuild").Plugin} */
  const fromTools = {
    name: "from-tools",
    setup(at) {
      at.onResolve({ filter: /^@tensorflow\// }, ({ path, pluginData }) =>
        pluginData
          ? undefined
          : at.resolve(path, { resolveDir: tools.folder, kind: "import-statement", pluginData: true }),
      );
      at.onResolve({ filter: /^rmsprop-wasm/ }, ({ path }) => ({
        path: join(root, "dist", `${path === "rmsprop-wasm" ? "index" : path.split("/")[1]}.js`),
      }));
    },
  };
  await build({
    entryPoints: [join(import.meta.dirname, "page.js")],
    outfile: join(folder, "page.js"),
    bundle: true,
    format: "esm",
    plugins: [fromTools],
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>';
  await writeFile(join(folder, "index.html"), html);
}

/**
 * @param {typeof RUNS[number]} run
 * @param {string} folder
 */
async function run({ name, driver, backend, parts }, folder) {
  const started = performance.now();
  const asked = options.parts?.split(",").filter((part) => parts.includes(part) || measurements.includes(part));
  const chosen = asked ?? parts;
  try {
    const opened = await served(folder, {}, (address) =>
      driver.open(`${address}/?backend=${backend}&parts=${chosen}`, SECONDS),
    );
    const { version } = opened;
    const report = /** @type {PageReport} */ (/** @type {unknown} */ (opened.report));
    const wrong = report.results.filter(({ complaints }) => complaints.length > 0);
    const isRight = wrong.length === 0 && !report.failure && report.results.length > 1;
    const time = Math.round((performance.now() - started) / 1000);
    console.log(
      `${isRight ? "ok" : "FAILED"}  ${name} ${version}, ${report.device ?? "no device"}: ${report.results.length} checks, ${wrong.length} failed; ${time} s`,
    );
    if (report.failure) console.log(`  ${report.failure}`);
    for (const { name, complaints } of wrong) {
      console.log(
        `  ${name}: ${complaints.slice(0, 3).join("; ")}${complaints.length > 3 ? `; ${complaints.length - 3} more` : ""}`,
      );
    }
    if (options.verbose || isCI) {
      for (const { name, detail, milliseconds } of report.results) {
        if (detail || milliseconds > 3000) console.log(`  ${name}: ${detail} (${milliseconds} ms)`);
      }
    }
    return isRight;
  } catch (error) {
    console.log(`FAILED  ${name}: ${String(error).slice(0, 2000)}`);
    return false;
  }
}

const names = options.only?.split(",");
const runs = RUNS.filter(({ name }) => !names || names.some((beginning) => name.startsWith(beginning)));
if (runs.length === 0) throw new Error(`There are ${RUNS.map(({ name }) => name).join(", ")}.`);
const needs = [tools, ...runs.flatMap(({ driver }) => driver.needs)];
if (options.install) await install(needs);
const missing = needs.filter((need) => !need.isInstalled()).map(({ label }) => label);
if (missing.length > 0) {
  console.log(`missing: ${[...new Set(missing)].join(", ")}; \`npm run test:gpu -- --install\` installs it`);
  process.exitCode = isCI ? 1 : 0;
} else {
  const folder = await mkdtemp(join(tmpdir(), "rmsprop-wasm-gpu-"));
  try {
    await site(folder);
    for (const each of runs) if (!(await run(each, folder))) process.exitCode = 1;
  } finally {
    await drivers.closeBrowsers();
    await rm(folder, { recursive: true, force: true });
  }
}
