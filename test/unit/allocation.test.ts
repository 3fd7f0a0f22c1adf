// step() allocates nothing, in JavaScript or in linear memory. What is measured, and how, is in children/allocation.mjs.
import { describe, expect, it } from "vitest";
import { runChild } from "./child.js";
import { BACKENDS } from "./support.js";

interface Result {
  readonly name: string;
  readonly allocated: number;
  readonly retained: number;
  readonly grown: number;
  readonly sameView: boolean;
}

/** What the JavaScript of V8 itself makes of a number that comes out of a schedule, a function or the fallback: a boxed
 * double, garbage at once. Where only numbers go into WebAssembly there is not even that. */
const boxes = (backend: string, name: string) => backend === "js" || /schedule|function/.test(name);

describe.each(BACKENDS)("%s", (backend) => {
  it("100,000 steps leave the heap and the linear memory as they were", { timeout: 120_000 }, async () => {
    const results = await runChild<Result[]>("allocation.mjs", backend);
    expect(results.length).toBe(7);
    for (const { name, allocated, retained, grown, sameView } of results) {
      expect({ name, grown, sameView }).toEqual({ name, grown: 0, sameView: true });
      expect(retained, `${name}: bytes retained per step`).toBeLessThan(1);
      if (!boxes(backend, name)) expect(allocated, `${name}: bytes allocated per step`).toBeLessThan(1);
    }
  });
});
