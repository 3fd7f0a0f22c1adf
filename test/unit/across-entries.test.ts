// Several entries of the package in one program: each has classes of its own, and what must work across them does.
import { readFileSync } from "node:fs";
import * as main from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as script from "rmsprop-wasm/js";
import * as keras from "rmsprop-wasm/keras";
import * as pytorch from "rmsprop-wasm/pytorch";
import * as slim from "rmsprop-wasm/slim";
import { describe, expect, it } from "vitest";
import { errorOf } from "./support.js";

slim.initSync(readFileSync(new URL("../../dist/rmsprop.wasm", import.meta.url)));

describe.each([
  ["rmsprop-wasm", main],
  // To TypeScript they are different classes, as they are.
  ["rmsprop-wasm/js", script as unknown as typeof main],
  ["rmsprop-wasm/slim", slim as unknown as typeof main],
])("%s", (_, { CheckpointError, RMSprop, StateError, Variable }) => {
  it("is saved and loaded by rmsprop-wasm/checkpoint", () => {
    const w = new Variable([1, 2], { path: "w" });
    const optimizer = new RMSprop();
    optimizer.build([w]);
    const bytes = checkpoint.save(optimizer);
    w.value.fill(0);
    checkpoint.load(bytes, optimizer);
    expect([...w.value]).toEqual([1, 2]);
    expect(() => checkpoint.load(bytes.subarray(1), optimizer)).toThrow(CheckpointError);
    expect(() => checkpoint.load(bytes.subarray(1), optimizer)).toThrow(checkpoint.CheckpointError);
    expect(() => checkpoint.save(new RMSprop())).toThrow(StateError);
    for (const entry of [checkpoint, keras, pytorch]) {
      expect(errorOf(() => checkpoint.save(new RMSprop()))).toBeInstanceOf(entry.StateError);
    }
  });
});

it("refuses a variable of another entry, which is in another memory", () => {
  const foreign = new script.Variable(1) as unknown as main.Variable;
  expect(() => new main.RMSprop().build([foreign])).toThrow(/a Variable of this copy of the package/);
});

it("exports no value that only a type promises", () => {
  for (const entry of [main, script, slim]) {
    for (const name of ["LearningRateSchedule", "Optimizer", "Runtime", "TunableOptimizer"]) {
      expect(Object.keys(entry)).not.toContain(name);
    }
  }
});
