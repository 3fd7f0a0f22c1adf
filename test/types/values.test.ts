// What is only a type cannot be used as a value.
import * as entry from "rmsprop-wasm";
import { expect, it } from "vitest";

it("has types without values", () => {
  // @ts-expect-error: made by createRuntime
  expect(entry.Runtime).toBeUndefined();
  // @ts-expect-error: what RMSprop and LossScaleOptimizer share
  expect(entry.Optimizer).toBeUndefined();
});
