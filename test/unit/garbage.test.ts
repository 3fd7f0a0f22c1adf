// The safety net: variables and optimizers that nobody freed give their memory back when they are garbage.
import { describe, expect, it } from "vitest";
import { runChild } from "./child.js";
import { BACKENDS } from "./support.js";

interface Result {
  readonly bytes: readonly number[];
  readonly steps: number;
  readonly values: number;
  readonly gradients: number;
}

describe.each(BACKENDS)("%s", (backend) => {
  it("dropping thousands of variables and optimizers does not grow memory", { timeout: 120_000 }, async () => {
    const { bytes, steps, values, gradients } = await runChild<Result>("garbage.mjs", backend);
    // 30 rounds, each of which takes nearly all that the memory was after the first.
    expect(bytes.length).toBe(30);
    expect(bytes.at(-1)).toBeLessThan(2 * bytes[0]!);
    // What is in use was not given back.
    expect({ steps, values, gradients }).toEqual({ steps: 30, values: 1, gradients: 1 });
  });
});
