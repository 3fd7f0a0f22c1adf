// Every ```ts block in the documentation and in the comments of ts/ compiles, runs, and gives the values that it says.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as everything from "rmsprop-wasm";
import { beforeAll, expect, it } from "vitest";
import { toModule } from "./module.js";
import { allBlocks, root } from "./pages.js";

const folder = join(root, "build", "docs");
const fileName = ({ file, line }: { file: string; line: number }) => `${file.replace(/\W+/g, "-")}-${line}.ts`;

/** These pages' examples are copied one at a time, so each must stand alone. */
const isAlone = (file: string) => file === "README.md";

/** What an example names as a user has it, and where it is here. */
const STAND_INS = {
  '"@tensorflow/tfjs"': '"../../test/docs/tfjs.js"',
  '"model.keras"': '"build/docs/model.keras"',
  '"rmsprop.safetensors"': '"build/docs/rmsprop.safetensors"',
};
const FILES = { "model.keras": "plain.keras.gz", "rmsprop.safetensors": "defaults.safetensors.gz" };

const compilerOptions = {
  target: "es2022",
  lib: ["es2022", "esnext.disposable"],
  types: ["node"],
  module: "nodenext",
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
};

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const include = ["."];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
  for (const [name, fixture] of Object.entries(FILES)) {
    writeFileSync(join(folder, name), gunzipSync(readFileSync(join(root, "test", "interop", "fixtures", fixture))));
  }
  for (const block of allBlocks) {
    const module = toModule(block.code, isAlone(block.file) ? [] : Object.keys(everything));
    const here = Object.entries(STAND_INS).reduce((text, [there, here]) => text.replaceAll(there, here), module);
    writeFileSync(join(folder, fileName(block)), here);
  }
});

it.each(allBlocks.map((block) => [`${block.file}:${block.line}`, block] as const))("%s", async (_, block) => {
  await import(/* @vite-ignore */ join(folder, fileName(block)));
});

it("they compile", () => {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  let report = "";
  try {
    execFileSync(process.execPath, [tsc, "--project", folder, "--pretty", "false"], { encoding: "utf8", cwd: root });
  } catch (error) {
    report = (error as { stdout: string }).stdout;
  }
  expect(report).toBe("");
}, 60_000);
