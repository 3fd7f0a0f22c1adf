// Memory is values, gradients, the slots in use and a constant; and nothing large is copied twice.
import { createRuntime, RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { runChild } from "./child.js";
import { BACKENDS } from "./support.js";

const KIBIBYTE = 1024;
/** What a runtime is born with (docs/decisions.md). */
const EMPTY = 192 * KIBIBYTE;
/** Memory grows by whole pages: an array that is a whole number of pages needs one more for its alignment, at most. */
const PAGE = 64 * KIBIBYTE;
/** Floats of a page. */
const FLOATS = PAGE / 4;

const CONFIGURATIONS: [string, number, RMSpropOptions][] = [
  ["default", 1, {}],
  ["momentum", 2, { momentum: 0.9 }],
  ["centered", 2, { centered: true }],
  ["moving average", 2, { useEma: true }],
  ["accumulators", 2, { gradientAccumulationSteps: 2 }],
  ["all slots", 5, { momentum: 0.9, centered: true, useEma: true, gradientAccumulationSteps: 2 }],
];

describe.each(BACKENDS)("%s", (backend) => {
  it.each(CONFIGURATIONS)("%s: an array for values and gradients each, and %i for slots", (_, slots, options) => {
    for (const pages of [1, 16]) {
      const runtime = createRuntime({ backend });
      expect(runtime.byteLength).toBeLessThanOrEqual(EMPTY);
      const train = () => {
        const w = new Variable(new Float32Array(pages * FLOATS), { runtime });
        const optimizer = new RMSprop(options);
        optimizer.build([w]);
        optimizer.step();
        return () => {
          optimizer.free();
          w.free();
        };
      };
      const free = train();
      const { byteLength } = runtime;
      const arrays = 2 + slots;
      expect(byteLength).toBeGreaterThanOrEqual(arrays * pages * PAGE);
      expect(byteLength).toBeLessThanOrEqual(EMPTY + arrays * (pages + 1) * PAGE);
      // What was freed serves again. The table of optimizers, made by the first, stays among the first arrays: that can cost
      // the room of one array, once.
      free();
      for (let i = 0; i < 3; i++) train()();
      const settled = runtime.byteLength;
      expect(settled).toBeLessThanOrEqual(byteLength + (pages + 1) * PAGE);
      for (let i = 0; i < 3; i++) train()();
      expect(runtime.byteLength).toBe(settled);
    }
  });

  it("a thousand small variables share pages: 128 bytes for each array beyond its values", () => {
    const runtime = createRuntime({ backend });
    const variables = Array.from({ length: 1000 }, () => new Variable(new Float32Array(800), { runtime }));
    new RMSprop().build(variables);
    // Values, gradient, velocity.
    const arrays = 3 * 1000 * (4 * 800 + 128);
    // And what the tables of objects take while they double.
    const tables = 1000 * 500;
    expect(runtime.byteLength).toBeLessThanOrEqual(EMPTY + arrays + tables);
  });
});

it.each([
  ["an array", 0],
  // A view on linear memory moves when memory grows: it is copied once before.
  ["a view", 1],
])("16 M values from %s are copied into linear memory once", { timeout: 120_000 }, async (source, copies) => {
  const { grown, variable, build, right } = await runChild<Record<string, number | boolean>>("footprint.mjs", source);
  expect({ grown, right }).toEqual({ grown: 0, right: true });
  // Values and gradient become resident when they are written, and nothing else of their size does.
  expect(variable).toBeGreaterThan(1.9);
  expect(variable).toBeLessThan(2 + Number(copies) + 0.4);
  // The velocity.
  expect(build).toBeLessThan(1.4);
});
