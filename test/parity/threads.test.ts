// The long run by several threads, with variables large enough to be shared: the bits of one thread.
import { createRuntime } from "rmsprop-wasm";
import { createThreadedRuntime } from "rmsprop-wasm/threads";
import { beforeAll, expect, it } from "vitest";
import { run } from "./long-run.js";

/** More than 60,000 in all, from which on steps are shared; the longest ends in the middle of everything. */
const LENGTHS = [40_003, 12_345, 9000, 129, 64, 7, 1, 0, 515];
const STEPS = 24;

let expected: Record<string, string>;
beforeAll(() => {
  expected = run(createRuntime({ backend: "wasm" }), LENGTHS, STEPS);
}, 60_000);

it.each([1, 2, 3, 4])("%i threads", { timeout: 120_000 }, async (threads) => {
  const runtime = await createThreadedRuntime({ threads });
  expect(runtime.threads).toBe(threads);
  expect(run(runtime, LENGTHS, STEPS)).toEqual(expected);
  runtime.free();
});
