// The list of the package's entries. Everything that names them follows from it: what rollup.config.mjs builds, knip.js looks
// at and check-size.mjs weighs; `npm run entries` writes the exports of package.json and jsr.json and the tables of entries
// in README.md and docs/size.md. To add an entry: its source in ts/, a row here, `npm run entries`.

/**
 * @typedef {"index" | "js" | "wasm-only" | "slim" | "workerd" | "files" | "assets"} Variant
 *   A build variant, see rollup.config.mjs. Entries of one variant share their classes.
 *
 * @typedef {object} Entry
 * @property {string} path As in package.json's exports.
 * @property {string} [source] The file below ts/, without its extension. Default: a plugin of the build writes the file.
 * @property {Partial<Record<Variant, number>>} builds The variants that hold it, and the most that it may weigh in each:
 *   bytes, gzipped, with all that it imports.
 * @property {{ source: string, budget: number }} [unavailable] What stands in for it on hosts that cannot have it: where
 *   there is a condition, but no build for it.
 * @property {string} [file] Its file in dist, if it is not called as the entry is.
 * @property {false} [jsr] Not on JSR.
 * @property {string} holds A sentence for README.md.
 */

/**
 * The variants that hosts get by a condition of package.json's exports, before the default. `edge-light` (Vercel) may not
 * compile WebAssembly at all, and Hermes (React Native) has none; workerd (Cloudflare) compiles none from bytes, but takes a module
 * as a file.
 *
 * @type {Readonly<Record<string, Variant>>}
 */
const CONDITIONS = { workerd: "workerd", "edge-light": "js", "react-native": "js" };

/** @type {readonly Entry[]} */
export const entries = [
  {
    path: ".",
    source: "index",
    builds: { index: 64_200, workerd: 43_100 },
    holds: "everyone: optimizers, schedules, the WebAssembly and the JavaScript backend in one script",
  },
  {
    path: "./schedules",
    source: "schedules/index",
    builds: { index: 55_400, workerd: 34_400, js: 30_800 },
    holds: "the schedules alone",
  },
  {
    path: "./tfjs",
    source: "tfjs/index",
    builds: { index: 80_200, workerd: 59_200, js: 55_600 },
    jsr: false,
    holds: "[TensorFlow.js](docs/tfjs.md): a `tf.Optimizer`; with all of `rmsprop-wasm`",
  },
  {
    path: "./jax",
    source: "jax/index",
    builds: { index: 70_800, workerd: 49_800, js: 46_200 },
    jsr: false,
    holds: "[jax-js](docs/jax.md): a gradient transformation; with what it needs of `rmsprop-wasm`",
  },
  {
    path: "./checkpoint",
    source: "checkpoint/index",
    builds: { files: 11_300 },
    holds: "[`save` and `load`](docs/checkpoints.md): a run as one file",
  },
  {
    path: "./checkpoint/node",
    source: "checkpoint/node",
    builds: { files: 3_500 },
    holds: "checkpoints as files that no crash breaks, in Node, Bun and Deno",
  },
  {
    path: "./checkpoint/opfs",
    source: "checkpoint/opfs",
    builds: { files: 3_000 },
    holds: "the same in a browser's private file system",
  },
  {
    path: "./keras",
    source: "keras/index",
    builds: { files: 17_400 },
    holds: "[models that Keras saved](docs/keras.md), arrays for Python",
  },
  {
    path: "./pytorch",
    source: "pytorch/index",
    builds: { files: 8_300 },
    holds: "[the state of a `torch.optim.RMSprop`](docs/pytorch.md)",
  },
  {
    path: "./threads",
    source: "threads/index",
    builds: { index: 88_700 },
    unavailable: { source: "threads/unavailable", budget: 1_500 },
    holds: "[steps shared by several threads](docs/threads.md), from 60,000 weights on",
  },
  {
    path: "./threads-worker.js",
    builds: { assets: 600 },
    file: "threads-worker.js",
    holds: "its workers, where a policy forbids inline ones",
  },
  {
    path: "./distributed",
    source: "distributed/index",
    builds: { files: 22_500 },
    holds: "[one training on many machines](docs/distributed.md); with `checkpoint`",
  },
  {
    path: "./distributed/nats",
    source: "distributed/nats/index",
    builds: { files: 8_300 },
    holds: "its log on NATS JetStream",
  },
  {
    path: "./slim",
    source: "slim",
    builds: { slim: 18_100 },
    holds: "you load the module yourself: `await init(source)`",
  },
  {
    path: "./wasm-only",
    source: "index",
    builds: { "wasm-only": 41_800 },
    holds: "hosts that surely have WebAssembly SIMD",
  },
  { path: "./js", source: "index", builds: { js: 39_600 }, holds: "hosts without WebAssembly: plain JavaScript" },
  {
    path: "./iife",
    builds: { assets: 62_000 },
    file: "iife/rmsprop-wasm.js",
    jsr: false,
    holds: "a `<script>` tag, classic workers, QuickJS, plug-in sandboxes",
  },
  {
    path: "./rmsprop.wasm",
    builds: { assets: 23_500 },
    file: "rmsprop.wasm",
    holds: "the module: for `slim`, and for [hosts that are not JavaScript](examples/python/README.md)",
  },
];

const trained = `import { RMSprop, Variable } from "rmsprop-wasm"; import { load, save } from "rmsprop-wasm/checkpoint";
globalThis.trained = [RMSprop, Variable, load, save];`;

/**
 * Imports that come on top of others, with which they share most of what they need: what they add to a bundle may weigh this many
 * bytes, gzipped. A replica trains already; a worker needs nothing else of the package.
 */
export const additions = [
  {
    to: trained,
    add: `import { replicate } from "rmsprop-wasm/distributed"; globalThis.added = replicate;`,
    budget: 8_250,
  },
  { to: "", add: `import { work } from "rmsprop-wasm/distributed"; globalThis.added = work;`, budget: 6_500 },
  {
    to: trained,
    add: `import { natsLog } from "rmsprop-wasm/distributed/nats"; globalThis.added = natsLog;`,
    budget: 5_100,
  },
];

/** Variants whose files carry no prefix. @type {readonly string[]} */
const plain = ["index", "files", "assets"];

/**
 * The name of an entry's file in dist, without extension: `checkpoint.node`, `js`, `js.tfjs`.
 *
 * @param {Entry} entry
 * @param {string} variant
 */
function baseName({ path, source }, variant) {
  const name = path.slice(2).replaceAll("/", ".");
  if (source === "index" || source === "slim") return variant;
  return plain.includes(variant) ? name : `${variant}.${name}`;
}

/**
 * @typedef {object} Build One file that rollup writes for an entry.
 * @property {Entry} entry
 * @property {Variant} variant
 * @property {string | undefined} source
 * @property {string} file Below dist.
 * @property {number} budget
 */

/** @type {readonly Build[]} */
export const builds = entries.flatMap((entry) => {
  const own = /** @type {[Variant, number][]} */ (Object.entries(entry.builds)).map(([variant, budget]) => {
    return { entry, variant, source: entry.source, file: entry.file ?? `${baseName(entry, variant)}.js`, budget };
  });
  if (entry.unavailable === undefined) return own;
  const { source, budget } = entry.unavailable;
  return [...own, { entry, variant: "files", source, file: `${source.replaceAll("/", ".")}.js`, budget }];
});

/**
 * What a variant holds, for rollup: the names of its files by their sources.
 *
 * @param {Variant} variant
 * @returns {Record<string, string>}
 */
export const inputsOf = (variant) =>
  Object.fromEntries(
    builds
      .filter((build) => build.variant === variant && build.source !== undefined)
      .map(({ file, source }) => [file.replace(/\.js$/, ""), /** @type {string} */ (source)]),
  );

/** The sources of all entries, below ts/. */
export const sources = [...new Set(builds.flatMap(({ source }) => (source === undefined ? [] : [`${source}.ts`])))];

/** @param {string} file */
const target = (file) => ({
  types: `./dist/${file.replace(/\.js$/, "")}.d.ts`,
  default: `./dist/${file}`,
});

/** `exports` of package.json: by condition, for entries of the default variant. */
export function packageExports() {
  const rows = entries.map((entry) => {
    const [first, ...others] = builds.filter((build) => build.entry === entry);
    if (first === undefined) throw new Error(`${entry.path} has no build`);
    const perHost = Object.entries(CONDITIONS).flatMap(([condition, variant]) => {
      if (first.variant !== "index") return [];
      const found =
        builds.find((build) => build.variant === variant && build.source === entry.source) ??
        others.find(({ source }) => source === entry.unavailable?.source);
      if (found === undefined) throw new Error(`${entry.path}: nothing for the condition ${condition}`);
      return [[condition, target(found.file)]];
    });
    return [entry.path, { ...Object.fromEntries(perHost), ...target(first.file) }];
  });
  return Object.fromEntries([...rows, ["./package.json", "./package.json"]]);
}

/** `exports` of jsr.json, which knows no conditions. @returns {Record<string, string>} */
export const jsrExports = () =>
  Object.fromEntries(
    entries
      .filter(({ jsr }) => jsr !== false)
      .map((entry) => [entry.path, `./build/jsr/${builds.find((build) => build.entry === entry)?.file}`]),
  );

/** What JSR must not take of the files in build/jsr: entries that are not on it, and what only a condition gives. */
export const jsrExcludes = () => [
  "!build/jsr",
  "build/jsr/rmsprop.wasm.d.ts",
  ...builds
    .filter(
      ({ entry, source, variant }) =>
        source && variant !== "workerd" && (entry.jsr === false || source !== entry.source),
    )
    .map(({ file }) => `build/jsr/${file.replace(/js$/, "*")}`),
];

/** Rows of the table in README.md: entry, what it holds, and the most that it weighs. */
export const readmeRows = () =>
  entries.map(({ path, builds, holds }) => {
    const [budget = 0] = Object.values(builds);
    return [`\`${path.replace(".", "rmsprop-wasm")}\``, holds, (budget / 1000).toFixed(budget < 10_000 ? 1 : 0)];
  });

/** Rows of the table in docs/size.md: file, whose it is, and its budget. */
export const sizeRows = () =>
  builds.map(({ entry, variant, source, file, budget }) => {
    const name = `\`${entry.path.replace(".", "rmsprop-wasm")}\``;
    const conditions = Object.keys(CONDITIONS).filter((condition) =>
      source === entry.source ? Object.keys(entry.builds)[0] !== variant && CONDITIONS[condition] === variant : true,
    );
    const under = conditions.map((condition) => `\`${condition}\``).join(" and ");
    return [`\`${file}\``, under ? `${name} on ${under}` : name, budget.toLocaleString("en")];
  });
