// Several threads have the bits of one, over random configurations, shapes and gradients of all magnitudes.
import * as fc from "fast-check";
import { createThreadedRuntime, type ThreadedRuntime } from "rmsprop-wasm/threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bitsOf, free, gradientsAt, make, plan, runtimes } from "./arbitraries.js";

let threaded: ThreadedRuntime;
beforeAll(async () => {
  threaded = await createThreadedRuntime({ threads: 3 });
  expect(threaded.threads).toBe(3);
});
afterAll(() => threaded.free());

/** With the small variables of any plan, these are enough for steps to be shared. */
const large = fc.oneof(
  fc.tuple(fc.integer({ min: 60_000, max: 90_000 })),
  fc.tuple(fc.integer({ min: 8100, max: 8300 }), fc.integer({ min: 60_000, max: 66_000 })),
  fc.integer({ min: 300, max: 900 }).map((length) => Array<number>(200).fill(length)),
);

it("trainings", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(plan(), large, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), (small, lengths, choices) => {
      const training = { ...small, lengths: [...lengths, ...small.lengths], gradients: small.gradients.slice(0, 4) };
      const [many, one] = [make(training, threaded), make(training, runtimes.wasm)];
      for (let step = 0; step < training.gradients.length; step++) {
        const all = gradientsAt(training, step);
        const some = all.map((gradient, i) => ((choices[step]! >> (i % 8)) & 3 ? gradient : null));
        const gradients = some.every((gradient) => gradient === null) ? all : some;
        for (const { optimizer, variables } of [many, one]) {
          optimizer.build(variables);
          // With all gradients, and without some.
          optimizer.apply(step % 2 ? gradients : all, variables);
        }
        expect(bitsOf(many.optimizer, many.variables)).toEqual(bitsOf(one.optimizer, one.variables));
      }
      free(many);
      free(one);
    }),
    { numRuns: 40 },
  );
});
