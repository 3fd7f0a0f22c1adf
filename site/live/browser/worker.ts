// The self-test: the whole training of `npm start`, then steps over a million weights.

import { createRuntime, RMSprop, Variable } from "rmsprop-wasm";
import { defaults, Training } from "../../../examples/digits/train.js";
import { readExamples } from "../digits/data.js";
import { hex } from "../parts/format.js";
import type { SelfTestAnswer } from "./messages.js";

const WEIGHTS = 1_000_000;
const STEPS = 21;

addEventListener("message", async ({ data }: MessageEvent<ArrayBuffer>) => {
  postMessage(await test(data).catch((error: unknown): SelfTestAnswer => ({ failure: String(error) })));
});

async function test(data: ArrayBuffer): Promise<SelfTestAnswer> {
  const runtime = createRuntime();
  const examples = await readExamples(data);
  const started = performance.now();
  const training = new Training(examples, defaults, { runtime });
  while (!training.isDone) training.runEpoch();
  const { checksum } = training.finish();
  const time = performance.now() - started;
  training.free();
  return { backend: runtime.backend, checksum: hex(checksum), time, nanoseconds: measure() };
}

function measure(): number {
  const w = new Variable(new Float32Array(WEIGHTS).fill(1));
  const optimizer = new RMSprop();
  optimizer.build([w]);
  w.gradient.fill(0.1);
  const times = Array.from({ length: STEPS }, () => {
    const started = performance.now();
    optimizer.step();
    return performance.now() - started;
  });
  optimizer.free();
  w.free();
  return (1e6 * times.sort((a, b) => a - b)[STEPS >> 1]!) / WEIGHTS;
}
