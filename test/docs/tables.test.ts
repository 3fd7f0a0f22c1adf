// The tables of README.md say what the sources say.

import * as everything from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";
import { errorOf } from "../unit/support.js";
import { codeOf, read, tableRows } from "./pages.js";

const { RMSprop } = everything;

describe("the options", () => {
  const rows = tableRows("README.md", "## Options").map((row) => row.map(codeOf));
  const optimizer = new RMSprop();

  it("are those generated from Rust, in Keras' order and with Keras' names and defaults", () => {
    const keras = ({ kind, key }: (typeof HYPERPARAMETERS)[number]) => (kind === "choice" ? "none" : key);
    const expected = HYPERPARAMETERS.map((row) => [row.option, keras(row), row.default]);
    const [learningRate, ...others] = rows.map(([option, key, value]) => [
      option,
      key,
      value === "automatic" ? value : JSON.parse(value!),
    ]);
    expect(learningRate).toEqual(["learningRate", "learning_rate", 0.001]);
    expect(others).toEqual([...expected, ["name", "name", "automatic"]]);
  });

  it("have these defaults at run time, and are all of Keras' configuration", () => {
    for (const [option, , value] of rows) {
      if (option === "name") expect(optimizer.name).toMatch(/^rm_sprop(_\d+)?$/);
      else if (option === "learningRate") expect(optimizer.learningRate).toBe(Math.fround(Number(value)));
      else expect(optimizer[option as "rho"], option).toBe(JSON.parse(value!));
    }
    const keys = rows.map(([, key]) => key).filter((key) => key !== "none");
    expect(keys.sort()).toEqual(Object.keys(optimizer.getConfig()).sort());
  });
});

it("the schedules are all there are, with all their options", () => {
  const rows = tableRows("README.md", "## Learning rates").map(([name, options]) => [
    codeOf(name!),
    options!.split(", ").map(codeOf),
  ]);
  const Schedule = Object.getPrototypeOf(everything.CosineDecay);
  const schedules = Object.entries(everything).filter(([, value]) => Object.getPrototypeOf(value) === Schedule);
  const expected = schedules.map(([name, schedule]) => {
    // Its message lists them.
    const { message } = errorOf(() => new (schedule as new (options: object) => object)({ none: 1 }));
    return [name, message.replace(/^.*known are (.*)\.$/, "$1").split(", ")];
  });
  expect(rows.sort()).toEqual(expected.sort());
});

it("the entries are those of package.json", () => {
  const { name, exports } = JSON.parse(read("package.json"));
  const entries = Object.keys(exports).map((key) => key.replace(".", name));
  const rows = tableRows("README.md", "## Entries and environments").map(([entry]) => codeOf(entry!));
  const listed = rows.filter((entry) => entry.startsWith(name));
  expect([...listed, `${name}/package.json`].sort()).toEqual(entries.sort());
});
