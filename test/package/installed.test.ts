// The package as its users get it: packed, installed elsewhere, used from ESM, CommonJS and TypeScript.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => path.replace(".", "rmsprop-wasm"));

let folder: string;
let packed: string[];

const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, encoding: "utf8" });
const node = (...args: string[]) => run(process.execPath, ...args);
const npm = (...args: string[]) =>
  run("npm", ...args, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
  const [{ filename, files }] = JSON.parse(npm("pack", root, "--json"));
  packed = files.map(({ path }: { path: string }) => path);
  writeFileSync(join(folder, "package.json"), "{}");
  npm("install", "--offline", `./${filename}`);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files that the exports name, and what those import. */
function reachable(): string[] {
  const found = new Set<string>();
  const visit = (file: string) => {
    if (found.has(file)) return;
    found.add(file);
    if (!/\.(js|ts)$/.test(file)) return;
    const text = readFileSync(join(root, file), "utf8");
    for (const [, neighbour] of text.matchAll(/\bfrom\s*['"]\.\/(.+?)['"]/g)) {
      visit(file.endsWith(".d.ts") ? `dist/${neighbour!.replace(/\.js$/, ".d.ts")}` : `dist/${neighbour}`);
    }
  };
  const targets = JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"\.\/([^"]+\.[^"/]+)"(?!:)/g);
  for (const [, target] of targets) visit(target!);
  return [...found].sort();
}

it("holds what the exports reach, what README.md links to, and nothing else", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const links = [...readme.matchAll(/(?:\]\(|src(?:set)?=")(?!https?:)([^)"#\s]+)/g)].map(([, link]) => link!);
  for (const link of links) expect(packed, link).toContain(link);

  const isPaper = (file: string) =>
    links.includes(file) ||
    ["README.md", "bench/protocol.md"].includes(file) ||
    /^(docs\/([\w-]+\/)*[\w-]+\.(md|svg)|examples\/.+)$/.test(file);
  // Says that the file beside it is a script, not a module.
  const script = "dist/iife/package.json";
  expect(packed.filter((file) => !isPaper(file)).sort()).toEqual([...reachable(), script].sort());
});

it("has pages that link to what it holds, but for the one on working on it", () => {
  const pages = packed.filter((file) => file.endsWith(".md") && file !== "CONTRIBUTING.md");
  const dead = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8").replace(/^```.*?^```$/gms, "");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(([, link]) =>
      posix.join(posix.dirname(page), link!),
    );
    return links.filter((link) => !packed.includes(link)).map((link) => `${page}: ${link}`);
  });
  expect(pages.length).toBeGreaterThan(30);
  expect(dead).toEqual([]);
});

it("has no scripts, which only a checkout can run; the checkout has them again afterwards", () => {
  const checkout = join(folder, "checkout");
  mkdirSync(checkout);
  const path = join(checkout, "package.json");
  const whole = readFileSync(join(root, "package.json"), "utf8");
  writeFileSync(path, whole);
  const call = (action: string) =>
    execFileSync(process.execPath, [join(root, "scripts/packed-manifest.mjs"), action], { cwd: checkout });
  const { prepack, postpack } = manifest.scripts;
  expect(prepack.endsWith("&& node scripts/packed-manifest.mjs strip")).toBe(true);
  expect(postpack).toBe("node scripts/packed-manifest.mjs restore");

  call("strip");
  const { scripts, wireit, ...packed } = manifest;
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(packed);
  // Once more does not lose the whole one.
  call("strip");
  call("restore");
  expect(readFileSync(path, "utf8")).toBe(whole);
  call("restore");
  expect(readFileSync(path, "utf8")).toBe(whole);
});

it("is a script with one global for those who name no file: unpkg, jsDelivr", () => {
  expect([manifest.unpkg, manifest.jsdelivr]).toEqual([
    manifest.exports["./iife"].default,
    manifest.exports["./iife"].default,
  ]);
  const script = `const text = require("node:fs").readFileSync("node_modules/rmsprop-wasm/${manifest.unpkg.slice(2)}", "utf8");
    console.log(require("node:vm").runInNewContext(text + "; rmspropWasm.backend()", { WebAssembly }));`;
  expect(node("--input-type=commonjs", "--eval", script)).toBe("wasm-simd128\n");
});

it("has declarations without tags that are for generators of documentation", () => {
  const declarations = packed.filter((file) => file.endsWith(".d.ts"));
  expect(declarations.length).toBeGreaterThan(20);
  expect(declarations.filter((file) => /@(ignore|internal)/.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});

it("brings no other package along", () => {
  const installed = JSON.parse(npm("ls", "--all", "--json"));
  expect(Object.keys(installed.dependencies)).toEqual(["rmsprop-wasm"]);
  // Optional peers are listed, without a version.
  const own: Record<string, { version?: string }> = installed.dependencies["rmsprop-wasm"].dependencies ?? {};
  expect(Object.values(own).filter(({ version }) => version !== undefined)).toEqual([]);
});

// The first example of the README.
const seed = `
const w = new Variable(10.0, { name: "w" });
const optimizer = new RMSprop({ learningRate: 0.1 });
optimizer.build([w]);
w.gradient[0] = w.value[0];
optimizer.step();
console.log(w.value[0] === Math.fround(9.683772), backend());
`;

describe.each([
  ["rmsprop-wasm", "true wasm-simd128\n"],
  ["rmsprop-wasm/js", "true js\n"],
])("%s runs the first example", (entry, answer) => {
  const names = "{ RMSprop, Variable, backend }";

  it("imported", () => {
    expect(node("--input-type=module", "--eval", `import ${names} from "${entry}";${seed}`)).toBe(answer);
  });

  it("required", () => {
    expect(
      node("--no-warnings", "--input-type=commonjs", "--eval", `const ${names} = require("${entry}");${seed}`),
    ).toBe(answer);
  });
});

it("shares its classes between entries of one build variant", () => {
  const script = `import * as all from "rmsprop-wasm"; import * as schedules from "rmsprop-wasm/schedules";
    console.log(Object.keys(schedules).every((name) => all[name] === schedules[name]));`;
  expect(node("--input-type=module", "--eval", script)).toBe("true\n");
});

describe.each([
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("types with module %s, moduleResolution %s", (module, moduleResolution) => {
  it("compile without DOM, Node or a newer lib, every declaration checked", () => {
    const project = join(folder, moduleResolution);
    mkdirSync(project);
    // jax names the types of @jax-js/jax, which is not installed here: test/adapters compiles it.
    const modules = entries.filter((entry) => !/\/(iife|jax)$/.test(entry));
    const imports = modules.map((entry, i) => `export * as entry${i} from "${entry}";`).join("\n");
    writeFileSync(join(project, "all.mts"), imports);
    // The file with one global is no module: its type is the global's.
    const script = `/// <reference types="rmsprop-wasm/iife" />\nexport const answer: "wasm-simd128" | "js" = rmspropWasm.backend();`;
    writeFileSync(join(project, "script.mts"), script);
    writeFileSync(
      join(project, "seed.mts"),
      `import { backend, RMSprop, Variable } from "rmsprop-wasm";
declare const console: { log(...values: unknown[]): void };
${seed.replace("w.value[0];", "w.value[0]!;")}`,
    );
    const compilerOptions = {
      target: "es2022",
      lib: ["es2022"],
      types: [],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      module,
      moduleResolution,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["."] }));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "--project", project], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("");
  }, 60_000);
});
