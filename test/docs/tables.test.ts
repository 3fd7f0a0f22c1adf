// The tables of README.md say what the sources say.

import * as everything from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";
import { errorOf } from "../unit/support.js";
import { codeOf, read, tableRows } from "./pages.js";

const { RMSprop } = everything;
const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** What README.md says of them: they are not Keras'. */
const OWN = ["epsilonMode", "momentumMode"];

describe("the options", () => {
  const rows = tableRows("README.md", "## Options").map((row) => row.map(codeOf));
  const optimizer = new RMSprop();

  it("are those generated from Rust, in Keras' order, with Keras' names in camelCase and its defaults", () => {
    for (const { key, option, kind } of HYPERPARAMETERS) {
      expect(snakeCase(option)).toBe(key);
      expect(OWN.includes(option)).toBe(kind === "choice");
    }
    const expected = HYPERPARAMETERS.map((row) => [row.option, row.default]);
    const [learningRate, ...others] = rows.map(([option, value]) => [
      option,
      value === "automatic" ? value : JSON.parse(value!),
    ]);
    expect(learningRate).toEqual(["learningRate", 0.001]);
    expect(others).toEqual([...expected, ["name", "automatic"]]);
  });

  it("have these defaults at run time, and are all of Keras' configuration", () => {
    for (const [option, value] of rows) {
      if (option === "name") expect(optimizer.name).toMatch(/^rm_sprop(_\d+)?$/);
      else if (option === "learningRate") expect(optimizer.learningRate).toBe(Math.fround(Number(value)));
      else expect(optimizer[option as "rho"], option).toBe(JSON.parse(value!));
    }
    const keys = rows.map(([option]) => option!).filter((option) => !OWN.includes(option));
    expect(keys.map(snakeCase).sort()).toEqual(Object.keys(optimizer.getConfig()).sort());
  });
});

it("the schedules are all there are, with all their options, and the defaults of those that can be left out", () => {
  const rows = tableRows("README.md", "## Learning rates").map(([name, options]) => [
    codeOf(name!),
    ...options!.split(", ").map((option) => {
      const [, key, value] = /^`(\w+)`(?: \((.*)\))?$/.exec(option)!;
      return value === undefined ? key : { [key!]: JSON.parse(value) };
    }),
  ]);
  const Base = Object.getPrototypeOf(everything.CosineDecay);
  const schedules = Object.entries(everything).filter(([, value]) => Object.getPrototypeOf(value) === Base);
  const values: Readonly<Record<string, unknown>> = { boundaries: [], values: [1], staircase: false, cycle: false };
  const expected = schedules.map(([name, schedule]) => {
    const Schedule = schedule as never as new (options: object) => Record<string, unknown>;
    // The message lists them.
    const { message } = errorOf(() => new Schedule({ none: 1 }));
    const keys = message
      .replace(/^.*known are (.*)\.$/, "$1")
      .split(", ")
      .filter((key) => key !== "name");
    const described = keys.map((left) => {
      const others = keys.filter((key) => key !== left).map((key) => [key, values[key] ?? 1]);
      try {
        return { [left]: new Schedule(Object.fromEntries(others))[left] };
      } catch {
        return left;
      }
    });
    return [name, ...described];
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
