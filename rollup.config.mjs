// From build/ts (JavaScript and declarations, one file per source) to dist (for npm) and build/jsr (for JSR): one file for
// each entry of a build variant, and files beside them for what its entries share. scripts/entries.mjs lists the entries.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import terser from "@rollup/plugin-terser";
import wasm from "@rollup/plugin-wasm";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { inputsOf } from "./scripts/entries.mjs";
import { inlineText } from "./scripts/inline-text.mjs";

/**
 * @typedef {object} BuildVariant
 * @property {import("./scripts/entries.mjs").Variant} name
 * @property {string} backends
 * @property {Readonly<Record<string, readonly string[]>>} [chunks]
 * @property {readonly import("rollup").Plugin[]} [plugins]
 */

/** @param {string} name */
const build = (name) => resolve("build", name);

/**
 * The module as a file of its own, for hosts that load it themselves. What an import of it gives is the host's choice.
 *
 * @type {import("rollup").Plugin}
 */
const moduleFile = {
  name: "module-file",
  generateBundle() {
    /** @type {(fileName: string, source: string | Uint8Array) => string} */
    const emit = (fileName, source) => this.emitFile({ type: "asset", fileName, source });
    emit("rmsprop.wasm", readFileSync(build("wasm/rmsprop.wasm")));
    emit("rmsprop.wasm.d.ts", "declare const wasm: object;\nexport default wasm;\n");
  },
};

/**
 * What the entries of a variant share, in as few files as bundlers can still drop things from: the variant's main entry holds
 * the optimizers' classes, `core` the rest. What other entries import and the main entry does not export is in `core`: otherwise
 * rollup makes the main entry a third file, and Node takes 0.4 of 5 ms longer to import it.
 *
 * @param {string} entry
 */
const sharedChunks = (entry) => ({
  core: [
    "memory/runtime",
    "support/disposable",
    "schedules/index",
    "schedules/serialization",
    "memory/numbers",
    "optimizers/hyperparameters",
    "optimizers/learning-rate",
    "optimizers/measure",
    "optimizers/options",
    "optimizers/override-index",
    "optimizers/overrides",
    "optimizers/slots",
    "optimizers/variable-selection",
    "support/size-of",
  ],
  [entry]: ["index"],
});

// Engines parse 40 kB in a millisecond at each import. One non-ASCII character makes them store the script as two-byte text.
// Functions are not inlined into their callers, which would create them anew in each call. Names of classes stay: they are in
// error messages.
const shorten = () =>
  terser({
    compress: { inline: false, keep_classnames: true, keep_infinity: true, reduce_funcs: false },
    ecma: 2020,
    format: { ascii_only: true },
    keep_classnames: true,
  });

/**
 * The script of workers as one text: inside the entry `threads`, and a file of its own for pages with strict policies.
 *
 * @type {import("rollup").Plugin}
 */
const workerScript = {
  name: "worker-script",
  resolveId: (id) => (id === "#worker" ? "\0worker" : null),
  async load(id) {
    if (id !== "\0worker") return null;
    const bundle = await rollup({ input: build("ts/threads/worker.js"), plugins: [shorten()] });
    const { output } = await bundle.generate({ format: "iife", generatedCode: "es2015" });
    const source = output[0].code;
    this.emitFile({ type: "asset", fileName: "threads-worker.js", source });
    this.emitFile({ type: "asset", fileName: "threads-worker.d.ts", source: "export {};\n" });
    return `export default ${JSON.stringify(source)};`;
  },
};

/**
 * Entries without a kernel, which serve every variant: checkpoints and other libraries' files. Their types are `index`'s.
 *
 * @type {BuildVariant}
 */
const files = {
  name: "files",
  backends: "backends",
  chunks: {
    errors: ["support/errors", "support/messages", "support/checks"],
    bytes: ["formats/bytes", "checkpoint/run-exclusive", "checkpoint/storable"],
    safetensors: ["formats/safetensors", "formats/crc32"],
    log: ["distributed/log", "distributed/errors"],
  },
};

/**
 * A build variant is a set of entries with backends of its own: `backends` is the file of ts/kernel that stands for
 * kernel/backends there. The entries of one variant share their classes.
 *
 * @type {readonly BuildVariant[]}
 */
const variants = [
  { name: "index", backends: "backends", chunks: sharedChunks("index"), plugins: [moduleFile, workerScript] },
  { name: "js", backends: "script-only", chunks: sharedChunks("js") },
  { name: "wasm-only", backends: "inline-only" },
  { name: "slim", backends: "provided" },
  { name: "workerd", backends: "static", chunks: sharedChunks("workerd") },
];

/**
 * Resolves what only this build knows: build products, the variant's backends, our helper instead of plugin-wasm's.
 *
 * @param {BuildVariant} variant
 * @param {string} extension
 * @returns {import("rollup").Plugin}
 */
const own = ({ backends }, extension) => ({
  name: "own",
  resolveId(id) {
    // A file beside the entry, which the host compiles.
    if (id === "#wasm/static/rmsprop.wasm") return { id: "./rmsprop.wasm", external: true, moduleSideEffects: false };
    if (id.startsWith("#wasm/")) return build(id.slice(1));
    if (id.endsWith("/backends.js")) return build(`ts/kernel/${backends}${extension}`);
    if (id === "\0wasmHelpers.js") return build("ts/kernel/load-wasm-module.js");
    return null;
  },
});

/**
 * The base64 text that plugin-wasm writes, as text that compresses as well as the module itself.
 *
 * @type {import("rollup").Plugin}
 */
const compressibleText = {
  name: "compressible-text",
  transform(code, id) {
    if (!id.endsWith(".wasm")) return null;
    const [literal, base64] = /'([\w+/=]{1000,})'/.exec(code) ?? [];
    if (literal === undefined || base64 === undefined) throw new Error(`${id}: plugin-wasm writes another text`);
    return { code: code.replace(literal, () => `'${inlineText(Buffer.from(base64, "base64"))}'`), map: null };
  },
};

/**
 * @param {Record<string, string>} entries
 * @param {string} extension
 */
const inputs = (entries, extension) =>
  Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, build(`ts/${path}${extension}`)]));

/**
 * Says in a script where its declarations are: JSR and Deno do not look beside it.
 *
 * @type {import("rollup").OutputPlugin}
 */
const selfTypes = {
  name: "self-types",
  generateBundle({ dir = "" }, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === "asset") continue;
      const types = chunk.fileName.replace(/\.js$/, ".d.ts");
      // Only now, because terser drops comments; and declarations are written first.
      if (existsSync(resolve(dir, types))) chunk.code = `/* @ts-self-types="./${types}" */\n${chunk.code}`;
    }
  },
};

/**
 * npm gets all of it. JSR has no conditions, so it has no use for a variant that only a condition gives.
 *
 * @param {BuildVariant} variant
 */
const folders = ({ name }) => (name === "workerd" ? ["dist"] : ["dist", "build/jsr"]);

/**
 * @param {BuildVariant} variant
 * @param {string} extension
 * @returns {import("rollup").OutputOptions[]}
 */
const outputs = (variant, extension) =>
  folders(variant).map((dir) => ({
    dir,
    entryFileNames: `[name]${extension}`,
    // Rollup takes `errors.d.ts` for `errors.d`: declarations must be called as what they declare.
    chunkFileNames({ name }) {
      if (name === variant.name)
        throw new Error(`${name} would be a third file: put what others import of it in its core.`);
      return `${variant.name}.${name.replace(/\.d$/, "")}${extension}`;
    },
    hoistTransitiveImports: false,
    minifyInternalExports: false,
  }));

/**
 * Files that entries share, each by the sources that it holds, with what these import and no file before it holds.
 *
 * @param {BuildVariant} variant
 */
const chunks = ({ chunks = {} }) =>
  Object.fromEntries(
    Object.entries(chunks).map(([name, paths]) => [name, paths.map((path) => build(`ts/${path}.js`))]),
  );

/** What the user brings: what the adapters are adapters to, and the host's own modules. */
const external = ["@jax-js/jax", /^node:/];

/** @param {BuildVariant} variant */
const scripts = (variant) => ({
  external,
  input: inputs(inputsOf(variant.name), ".js"),
  output: outputs(variant, ".js").map((output) => ({
    ...output,
    manualChunks: chunks(variant),
    generatedCode: "es2015",
    plugins: output.dir === "dist" ? [] : [selfTypes],
  })),
  plugins: [
    own(variant, ".js"),
    wasm({
      sync: [build("wasm/rmsprop.wasm"), build("wasm/rmsprop.threads.wasm")],
      maxFileSize: Infinity,
      targetEnv: "browser",
    }),
    compressibleText,
    shorten(),
    ...(variant.plugins ?? []),
  ],
});

/**
 * Classes that are exported as types alone, because there is nothing to construct. `dts` exports every class as a value.
 *
 * @type {import("rollup").Plugin}
 */
const typeOnly = {
  name: "type-only",
  renderChunk: (code) =>
    code.replaceAll(/^export \{.*?\}/gms, (names) =>
      names.replaceAll(
        /\b(KerasFile|LearningRateSchedule|Optimizer|PackageError|Runtime|ThreadedRuntime|TunableOptimizer)\b/g,
        "type $1",
      ),
    ),
};

/**
 * A script for each file of declarations that entries share: JSR looks for both. Those that hold code are written later.
 *
 * @type {import("rollup").OutputPlugin}
 */
const scriptsOfTypes = {
  name: "scripts-of-types",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === "asset" || chunk.isEntry) continue;
      const { fileName } = chunk;
      const source = `/* @ts-self-types="./${fileName}" */\nexport {};\n`;
      this.emitFile({ type: "asset", fileName: fileName.replace(/\.d\.ts$/, ".js"), source });
    }
  },
};

/**
 * `@ignore` tells JSR that a setter needs no words beside its getter's. Editors would show it.
 *
 * @type {import("rollup").OutputPlugin}
 */
const withoutIgnore = {
  name: "without-ignore",
  renderChunk: (code) => code.replaceAll(/^ *\/\*\* @ignore \*\/\n/gm, ""),
};

/** @param {BuildVariant} variant */
const declarations = (variant) => ({
  external,
  input: inputs({ ...inputsOf(variant.name), ...(variant.name === "index" ? inputsOf(files.name) : {}) }, ".d.ts"),
  output: outputs(variant, ".d.ts").map((output) => ({
    ...output,
    // For users whose `lib` is older than Symbol.dispose. JSR forbids it, and Deno's library has it.
    banner: output.dir === "dist" ? '/// <reference lib="esnext.disposable" />' : "",
    plugins: output.dir === "dist" ? [withoutIgnore] : [scriptsOfTypes],
  })),
  plugins: [own(variant, ".d.ts"), dts(), typeOnly],
});

/**
 * Says that the file with one global is a script, not a module, and what its global is.
 *
 * @type {import("rollup").Plugin}
 */
const globalFiles = {
  name: "global-files",
  generateBundle() {
    /** @type {(fileName: string, source: string) => string} */
    const emit = (fileName, source) => this.emitFile({ type: "asset", fileName, source });
    emit("package.json", '{ "type": "commonjs" }\n');
    const types = 'typeof import("../index.js", { with: { "resolution-mode": "import" } })';
    emit("rmsprop-wasm.d.ts", `declare const rmspropWasm: ${types};\n`);
  },
};

/** One global and everything in one file: for `<script>`, `importScripts`, and sandboxes that take one file. */
const global = {
  ...scripts(variants[0]),
  input: build("ts/index.js"),
  output: {
    file: "dist/iife/rmsprop-wasm.js",
    format: "iife",
    name: "rmspropWasm",
    generatedCode: "es2015",
  },
  plugins: [...scripts(variants[0]).plugins.filter(({ name }) => name !== moduleFile.name), globalFiles],
};

/** The command: the package's entries beside it, and no copy of them. */
const neighbours = new Map(
  Object.entries({ index: "index", threads: "threads/index", ...inputsOf(files.name) }).map(([name, path]) => [
    build(`ts/${path}.js`),
    `./${name}.js`,
  ]),
);
const command = {
  input: build("ts/cli/main.js"),
  external: (/** @type {string} */ id) => id.startsWith("node:") || neighbours.has(id),
  output: { file: "dist/cli.js", format: "es", paths: Object.fromEntries(neighbours) },
  plugins: [shorten()],
};

export default [
  ...variants.flatMap((variant) => [declarations(variant), scripts(variant)]),
  scripts(files),
  global,
  command,
];
