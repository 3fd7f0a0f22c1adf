// Many optimizers and many runtimes, from each entry.
import { describe, expect, it } from "vitest";
import { runChild } from "./child.js";

interface Result {
  readonly backend: string;
  readonly right: number;
  readonly grown: number;
  readonly peak: number;
  readonly collected: number;
}

describe.each([
  ["rmsprop-wasm", "wasm-simd128"],
  ["rmsprop-wasm/wasm-only", "wasm-simd128"],
  ["rmsprop-wasm/slim", "wasm-simd128"],
  ["rmsprop-wasm/js", "js"],
  ["rmsprop-wasm/iife", "wasm-simd128"],
])("%s", (entry, form) => {
  it("has 1,000 optimizers at once, and drops 200 runtimes without exhausting memory", {
    timeout: 120_000,
  }, async () => {
    const { backend, right, grown, peak, collected } = await runChild<Result>("many.mjs", entry);
    expect({ backend, right, grown }).toEqual({ backend: form, right: 1000, grown: 0 });
    // All of them together are 0.8 GB; 0.12 GB were seen, and 0.22 GB in JavaScript.
    expect(peak).toBeLessThan(0.5e9);
    // The last one may still be in a variable of the loop.
    expect(collected).toBeGreaterThanOrEqual(198);
  });
});
