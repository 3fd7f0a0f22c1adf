// The tables of README.md and the guide say what the sources say.

import * as everything from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { page, timesOurs } from "../../bench/report/page.mjs";
import { keptRuns } from "../../bench/report/runs.mjs";
import type { Run, Workload } from "../../bench/types.js";
import { builds } from "../../scripts/entries.mjs";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";
import { errorOf } from "../unit/support.js";
import { codeOf, read, tableRows } from "./pages.js";

const { RMSprop } = everything;
const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe("the options", () => {
  const rows = tableRows("docs/options.md", "# Options").map((row) => row.map(codeOf));
  const optimizer = new RMSprop();

  it("are those generated from Rust, in Keras' order, with Keras' names in camelCase and its defaults", () => {
    for (const { key, option, isOwn } of HYPERPARAMETERS) {
      expect(snakeCase(option)).toBe(key);
      const [, , meaning] = rows.find(([name]) => name === option)!;
      expect(meaning!.endsWith("; not in Keras"), option).toBe(isOwn);
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
    const keys = rows.filter(([, , meaning]) => !meaning!.endsWith("; not in Keras")).map(([option]) => option!);
    expect(keys.map(snakeCase).sort()).toEqual(Object.keys(optimizer.getConfig()).sort());
  });
});

it("the schedules are all there are, with all their options, and the defaults of those that can be left out", () => {
  const rows = tableRows("docs/schedules.md", "## Keras' six").map(([name, options]) => [
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

it("the headline has the sizes of its entries", () => {
  const kilobytes = (...files: string[]) => {
    const bytes = builds.filter(({ file }) => files.includes(file)).reduce((sum, { budget }) => sum + budget, 0);
    return (bytes / 1000).toFixed(0);
  };
  const readme = read("README.md");
  expect(readme).toContain(`**${kilobytes("index.js")} kB**`);
  expect(readme).toContain(`[${kilobytes("slim.js", "rmsprop.wasm")} kB](docs/size.md)`);
});

const runs = keptRuns();
const full = [runs.epyc, runs.xeon];

/** How many times as long as ours a contestant's step takes, with default options. */
const faster = (contestant: string, run: Run, model: Workload = "1M") => timesOurs(run, contestant, model)!;

const times = (ratio: number) => `${ratio < 9.95 ? ratio.toFixed(1) : ratio.toFixed(0)}×`;

it("the page of benchmarks is drawn from the kept runs", () => {
  expect(read("docs/benchmarks.md")).toBe(page(runs));
});

it("the page on speed has the ratios of the benchmarks", () => {
  const contestants = {
    "TensorFlow.js, wasm": "tfjs-wasm",
    "TensorFlow.js, cpu": "tfjs-cpu",
    "jax-js, wasm": "jax-js",
    "ten lines of JavaScript": "float64",
    "ten lines that round to float32": "fround",
    "`rmsprop-wasm/js`": "js",
    "PyTorch, one thread": "torch",
    "Keras on NumPy": "keras",
    "the same crate, native 128-bit": "native",
  };
  const expected = Object.entries(contestants).map(([name, contestant]) => [
    name,
    ...full.map((run) => times(faster(contestant, run))),
  ]);
  expect(tableRows("docs/performance.md", "# Speed")).toEqual(expected);
});

it("the page on threads has theirs", () => {
  const models = { "64 k": "64k", "1 M": "1M", "3 M, in 60 tensors": "60 tensors", "16 M": "16M" } as const;
  const [, ...rows] = tableRows("docs/threads.md", "## Speed and memory");
  const expected = Object.entries(models).map(([name, model]) => [
    name,
    ...full.map((run) => times(1 / faster("threads", run, model))),
  ]);
  expect(rows).toEqual(expected);
});

describe("the headline", () => {
  const readme = read("README.md");

  it("has the speeds of a step over 1 M parameters from the benchmarks", () => {
    const range = (contestant: string) => full.map((run) => times(faster(contestant, run)).slice(0, -1)).join(" to ");
    expect(readme).toContain(`**${range("tfjs-wasm")}× faster**`);
    expect(readme).toContain(`${range("float64")}× faster than ten lines of JavaScript`);
  });

  it("has the number of environments from their page, as have others", () => {
    const page = read("docs/environments.md");
    const [, ways] = /(\d+) ok/.exec(page)!;
    const hosts = page.match(/^\| \w.*\|$/gm)!.length - 1;
    expect(readme).toContain(`**${ways} ways to run**`);
    expect(readme).toContain(`in ${hosts} browsers, runtimes and bundlers`);
    expect(read("docs/where-it-runs.md")).toContain(`[${ways} ways in ${hosts} hosts](environments.md)`);
  });
});

it("README.md has at most 200 lines, and examples of at most ten", () => {
  const readme = read("README.md");
  expect(readme.split("\n").length - 1).toBeLessThanOrEqual(200);
  const examples = readme.match(/^```ts\n.*?^```$/gms)!;
  expect(examples).toHaveLength(5);
  for (const example of examples) {
    const lines = example.split("\n").slice(1, -1);
    expect(lines.filter((line) => line !== "").length, example).toBeLessThanOrEqual(10);
    // GitHub's column.
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(96);
  }
});
