// React Native: an app's bundle by Metro with React Native's own settings, in Hermes, which has no WebAssembly.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { node, npm } from "../needs.mjs";

/** @import { Environment, Kit } from "../types.js" */

const host = node("24.21.0");
const metro = npm({
  metro: "0.87.1",
  "@react-native/metro-config": "0.88.1",
  "@react-native/babel-preset": "0.88.1",
  "@babel/core": "7.29.13",
  "@jax-js/jax": "0.1.25",
});
/** The last virtual machine of Hermes that npm has. */
const hermes = npm({ "hermes-engine-cli": "0.12.0" });
/** The compiler of Hermes 1.0, without a virtual machine. */
const compiler = npm({ "hermes-compiler": "260318099.0.8" });

/** @type {Readonly<Record<string, string>>} */
const PLATFORMS = { darwin: "osx-bin", win32: "win64-bin" };
const platform = PLATFORMS[process.platform] ?? "linux64-bin";
const suffix = process.platform === "win32" ? ".exe" : "";

/** Every entry that an app can import; a bundle that lacks one does not get made. */
const ENTRIES = ["schedules", "checkpoint", "keras", "pytorch", "tfjs", "jax"];

/** @param {string} print The line of the kit that prints the report. */
const main = (print) => `import * as rmsprop from "rmsprop-wasm";
${ENTRIES.map((entry) => `import * as ${entry} from "rmsprop-wasm/${entry}";\n`).join("")}import { suite } from "./suite.js";
const report = suite(rmsprop);
const check = (name, work) => {
  let detail = "";
  try {
    detail = work() ? "" : "it does not";
  } catch (error) {
    detail = String(error);
  }
  report.results.push({ name, ok: detail === "", detail });
};
const w = new rmsprop.Variable([1, 2]);
const optimizer = new rmsprop.RMSprop();
optimizer.build([w]);
check("checkpoints are written and read", () => {
  const bytes = checkpoint.save(optimizer);
  checkpoint.load(bytes, optimizer);
  return bytes.length > 100;
});
check("Keras files and PyTorch's states are read", () => typeof keras.readKeras === "function" && typeof pytorch.loadPyTorch !== "undefined");
check("classes are the entries' own, and instanceof works", () => {
  const decay = new schedules.CosineDecay({ initialLearningRate: 1, decaySteps: 2 });
  return decay instanceof rmsprop.CosineDecay && typeof tfjs.rmsprop === "function" && typeof jax.rmsprop === "function";
});
check("errors are of their classes", () => {
  optimizer.free();
  try {
    optimizer.step();
  } catch (error) {
    return error instanceof rmsprop.StateError && error instanceof Error && error.name === "StateError";
  }
});
// React Native's preset does not know \`using\`; code that was compiled with it calls this.
check("what the end of a block calls frees", () => {
  const another = new rmsprop.RMSprop();
  another.build([w]);
  (another[Symbol.dispose ?? "free"] ?? another.free).call(another);
  try {
    another.step();
  } catch (error) {
    return error instanceof rmsprop.StateError;
  }
});
${print.replace("console.log(", "(typeof console === 'object' ? console.log : globalThis.print)(")}`;

/** @param {ReturnType<typeof npm>} metro */
const bundler = (metro) => `import { createRequire } from "node:module";
const require = createRequire(${JSON.stringify(metro.path("metro", "package.json"))});
const Metro = require("metro");
const { getDefaultConfig, mergeConfig } = require("@react-native/metro-config");
const root = process.cwd();
const config = mergeConfig(getDefaultConfig(root), {
  projectRoot: root,
  // What an app finds in its own node_modules.
  watchFolders: [root, ${JSON.stringify(metro.folder)}],
  resolver: { nodeModulesPaths: [${JSON.stringify(metro.path())}] },
  // An app begins with react-native itself, which is not needed to compute.
  serializer: { getModulesRunBeforeMainModule: () => [] },
  reporter: { update(event) { if (event.type === "bundling_error" || event.error) console.error(event.error ?? event); } },
  cacheStores: [],
  maxWorkers: 1,
});
await Metro.runBuild(config, { entry: "main.js", out: "bundle.js", platform: "android", dev: false, minify: false });
process.exit(0);
`;

/**
 * The bundle of an app, as text.
 *
 * @param {Kit} kit
 * @param {string} cwd
 */
async function bundled(kit, cwd) {
  await kit.execute(host.command, ["bundle.mjs"], { cwd, env: { NODE_PATH: metro.path() } });
  return readFile(join(cwd, "bundle.js"), "utf8");
}

/** @param {Kit} kit */
const files = (kit) => ({
  "main.js": main(kit.print),
  "bundle.mjs": bundler(metro),
  "babel.config.js": `module.exports = { presets: [${JSON.stringify(metro.path("@react-native", "babel-preset"))}] };`,
  "package.json": JSON.stringify({ private: true }),
});

/** @type {readonly Environment[]} */
export const environments = [
  {
    name: "react-native-hermes",
    host: "Hermes",
    way: "Metro with React Native's preset",
    entry: ".",
    backend: "js",
    needs: [host, metro, hermes, compiler],
    seconds: 300,
    async run(kit) {
      const cwd = await kit.folder(files(kit));
      const text = await bundled(kit, cwd);
      const module = await readFile(join(cwd, kit.file(".").replace("index.js", "index.core.js")), "utf8");
      const [longest] = (module.match(/[^"'`]{1000,}/g) ?? []).sort((a, b) => b.length - a.length);
      if (!longest) throw new Error("the default entry holds no WebAssembly module");
      if (text.includes(longest.slice(100, 200))) throw new Error("the bundle holds the WebAssembly module");
      /** @type {(need: typeof hermes, name: string) => string} */
      const program = (need, name) =>
        need.path(...name.split("/"), platform, `hermes${need === compiler ? "c" : ""}${suffix}`);
      await kit.execute(
        program(compiler, "hermes-compiler/hermesc"),
        ["-O", "-emit-binary", "-out", "bundle.hbc", "bundle.js"],
        { cwd },
      );
      const report = await kit.execute(program(hermes, "hermes-engine-cli"), ["-w", "bundle.js"], { cwd });
      return { version: hermes.version, report };
    },
  },
];
