// TypeScript, from the oldest version that knows what the declarations say (typed arrays with the type of their buffer) to the
// newest: a program that uses every entry compiles in all ways in which packages with `exports` are found, and then runs.
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { npm } from "../needs.mjs";

/** @import { Environment, Kit } from "../types.js" */

const versions = ["5.7.2", "5.9.3", "6.0.3", "7.0.2"];
const sources = join(import.meta.dirname, "typescript");

/** `module` and `moduleResolution`; `require` of ES modules is known to the first alone, and since 5.8. */
const resolutions = [
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["esnext", "bundler"],
];

/** Strict, and declarations checked like the rest. */
const strict = {
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  rootDir: ".",
};

/**
 * Compiles everything in `folder`, and names the modules that are to run.
 *
 * @param {Kit} kit
 * @param {string} folder
 * @param {ReturnType<typeof npm>} need
 */
async function compile(kit, folder, need) {
  await cp(sources, folder, { recursive: true });
  const knowsRequire = need.version !== versions[0];
  const tsc = async (/** @type {object} */ options, /** @type {readonly string[]} */ files) => {
    const flags = Object.entries({ ...strict, ...options }).flatMap(([key, value]) => [`--${key}`, String(value)]);
    await kit.execute(need.bin("tsc"), [...flags, ...files], { cwd: folder });
  };
  for (const language of ["es2022", "esnext"]) {
    for (const [module, moduleResolution] of resolutions) {
      const options = { target: language, lib: language, module, moduleResolution };
      // Emitted once in each way, for `using` becomes older syntax that every Node knows.
      const emit = language === "es2022" ? { outDir: moduleResolution } : { noEmit: true };
      const files = ["program.ts", "script.ts"];
      if (moduleResolution === "nodenext" && knowsRequire) files.push("required.cts");
      await tsc({ ...options, ...emit }, files);
    }
  }
  const programs = resolutions.map(([, moduleResolution]) => `./${moduleResolution}/program.js`);
  return knowsRequire ? [...programs, "./nodenext/required.cjs"] : programs;
}

/** @type {readonly Environment[]} */
export const environments = versions.map((version) => {
  const need = npm({ typescript: version });
  return {
    name: `typescript-${version.split(".").slice(0, 2).join("-")}`,
    host: "TypeScript",
    way: "strict; nodenext, node16 and bundler; lib es2022 and esnext",
    entry: ".",
    backend: "wasm-simd128",
    seconds: 240,
    needs: [need],
    async run(kit) {
      const folder = await kit.folder();
      const programs = await compile(kit, folder, need);
      const imports = programs.map((program) => `import "${program}";\n`).join("");
      await writeFile(join(folder, "main.mjs"), imports + kit.main());
      const report = await kit.execute(process.execPath, ["main.mjs"], { cwd: folder });
      return { version, report };
    },
  };
});
