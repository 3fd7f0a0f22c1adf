// What must work with `rmsprop-wasm/threads`, and where there is one thread too: the bits of an ordinary runtime.
import { suite } from "./suite.js";

/** @import { Package } from "./types.js" */

/** Enough for steps to be shared; no multiple of anything. */
const SIZE = 70_001;

/**
 * The suite's report, and of three threads: `wanted` says how many there must be.
 *
 * @param {Package} rmsprop
 * @param {typeof import("rmsprop-wasm/threads")} threads
 * @param {number} wanted
 * @param {() => Worker} [worker]
 */
export async function threadedReport(rmsprop, { createThreadedRuntime }, wanted, worker) {
  const report = suite(rmsprop);
  const record = (/** @type {string} */ name, /** @type {boolean} */ ok, /** @type {string} */ detail) =>
    report.results.push(ok ? { name, ok } : { name, ok, detail });
  const runtime = await createThreadedRuntime({ threads: 3, ...(worker && { worker }) });
  record("threads", runtime.threads === wanted, `there are ${runtime.threads} threads, not ${wanted}`);

  const trainings = [runtime, rmsprop.createRuntime()].map((each) => {
    const w = new rmsprop.Variable(new Float32Array(SIZE).fill(0.5), { name: "w", runtime: each });
    const optimizer = new rmsprop.RMSprop({ momentum: 0.9, useEma: true, globalClipnorm: 1 });
    optimizer.build([w]);
    return { w, optimizer };
  });
  for (let step = 0; step < 60; step++) {
    for (const { w, optimizer } of trainings) {
      for (let i = step % 7; i < SIZE; i += 7) w.gradient[i] = ((i * 31 + step * 17) % 1009) / 512 - 1;
      optimizer.step();
    }
    // So that workers fall asleep.
    if (step % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [many, one] = trainings.map(({ w, optimizer }) => optimizer.saveOwnVariables() && w.value);
  const different = many.findIndex((value, i) => !Object.is(value, one[i]));
  record("bits of one thread", different < 0, `${many[different]} instead of ${one[different]} at ${different}`);
  runtime.free();
  return report;
}
