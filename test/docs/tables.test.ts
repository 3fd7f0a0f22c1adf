// The tables of README.md say what the sources say.

import * as everything from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";
import { codeOf, read, tableRows } from "./pages.js";

const { LearningRateSchedule, RMSprop } = everything;
const camelCase = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

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
  const schedules = Object.entries(everything).filter(
    ([, value]) => Object.getPrototypeOf(value) === LearningRateSchedule,
  );
  const expected = schedules.map(([name, schedule]) => [
    name,
    (schedule as typeof LearningRateSchedule).keys.map(camelCase),
  ]);
  expect(rows.sort()).toEqual(expected.sort());
});

it("the entries are those of package.json", () => {
  const { name, exports } = JSON.parse(read("package.json"));
  const entries = Object.keys(exports).map((key) => key.replace(".", name));
  const rows = tableRows("README.md", "## Entries and environments").map(([entry]) => codeOf(entry!));
  const listed = rows.filter((entry) => entry.startsWith(name));
  expect([...listed, `${name}/package.json`].sort()).toEqual(entries.sort());
});
