// What editors show: the documentation of an option, a property and a key of the configuration, where the cursor is on it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";

const root = join(import.meta.dirname, "../..");
const options = HYPERPARAMETERS.map(({ option, key, default: value }) => ({
  option,
  key,
  value: JSON.stringify(value),
}));

/** Members that both classes of optimizers have, most of them from the base class. */
const inherited = [
  ...["name", "built", "iterations", "rawIterations", "learningRate", "variables", "trainableVariables"],
  ...["build", "step", "apply", "applyGradients", "minimize", "scaleLoss", "zeroGradients", "slot"],
  ...[
    "override",
    "overridesOf",
    "excludeFromWeightDecay",
    "finalizeVariableValues",
    "saveOwnVariables",
    "loadOwnVariables",
    "setWeights",
  ],
  ...["getConfig", "free"],
];

const mark = (name: string) => `/**/${name}`;
const program = `
import { LossScaleOptimizer, RMSprop, type RMSpropOptions } from "rmsprop-wasm";
const optimizer = new RMSprop({ ${mark("learningRate")}: 0.1, ${mark("name")}: "n" });
${options.map(({ option, value }) => `new RMSprop({ ${mark(option)}: ${value} });`).join("\n")}
${options.map(({ option }) => `optimizer.${mark(option)};`).join("\n")}
${options.map(({ key }) => `optimizer.getConfig().${mark(key)};`).join("\n")}
${options.map(({ key, value }) => `RMSprop.fromConfig({ ${mark(key)}: ${value} });`).join("\n")}
const all: RMSpropOptions = {};
all.${mark("clipnorm")};
all.${mark("emaMomentum")};
const scaled = new LossScaleOptimizer(optimizer);
${inherited.flatMap((name) => [`optimizer.${mark(name)};`, `scaled.${mark(name)};`]).join("\n")}
new LossScaleOptimizer(optimizer, { ${mark("initialScale")}: 1 });
`;

/** Beside the package's own files, so that its name is found as in a program that has installed it. */
const path = join(root, "test/types/editor.ts");
const read = (name: string) => (name === path ? program : existsSync(name) ? readFileSync(name, "utf8") : undefined);
const service = ts.createLanguageService({
  getScriptFileNames: () => [path],
  getScriptVersion: () => "1",
  getScriptSnapshot: (name) => {
    const text = read(name);
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => ({
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    types: [],
  }),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (name) => read(name) !== undefined,
  readFile: read,
});

const marks = [...program.matchAll(/\/\*\*\/(\w+)/g)].map(({ 1: name, index }) => ({
  name: name!,
  text: ts.displayPartsToString(service.getQuickInfoAtPosition(path, index + mark("").length)?.documentation),
}));

it("the program compiles", () => {
  const found = [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)];
  expect(found.map(({ messageText }) => messageText)).toEqual([]);
});

it("everything has documentation", () => {
  expect(marks.filter(({ text }) => text.length < 20)).toEqual([]);
});

it("hyper-parameters have their defaults in it, from the table", () => {
  for (const { option, key, value } of options) {
    const found = marks.filter(({ name }) => name === option || name === key);
    expect(found.length).toBeGreaterThan(2);
    for (const { text } of found) expect(text).toContain(`Default ${value}.`);
  }
});
