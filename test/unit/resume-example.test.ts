// examples/resume: stopped at any step, it ends with the same bits.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { train } from "../../examples/resume/train.js";

const STEPS = 1000;

let folder: string;
let whole: number[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
  whole = await train(join(folder, "whole"), STEPS, () => {});
});
afterAll(() => rmSync(folder, { recursive: true }));

it("finds the line", () => {
  for (const [i, wanted] of [3, -2, 0.5].entries()) expect(whole[i]).toBeCloseTo(wanted, 1);
});

it.each([1, 50, 51, 99, 777])("stopped after %i steps, goes on from the last checkpoint", async (stop) => {
  const path = join(folder, `stopped after ${stop}`);
  const stopped = new Error("stopped");
  const attempt = train(path, STEPS, (step) => {
    if (step === stop) throw stopped;
  });
  await expect(attempt).rejects.toBe(stopped);
  let first: number | undefined;
  expect(
    await train(path, STEPS, (step) => {
      first ??= step;
    }),
  ).toEqual(whole);
  expect(first).toBe(stop - (stop % 50) + 1);
});
