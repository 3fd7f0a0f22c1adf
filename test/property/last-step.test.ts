// `lastStep` over random trainings: norms have the bits of NumPy's sums and are near float64's; both backends and threads agree.
import * as fc from "fast-check";
import type { LastStep } from "rmsprop-wasm";
import { createThreadedRuntime, type ThreadedRuntime } from "rmsprop-wasm/threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pairwiseSum } from "../attack/model.mjs";
import { canonicalBits } from "../golden/bits.js";
import { free, gradientsAt, make, plan, runtimes } from "./arbitraries.js";

const f = Math.fround;

/** Keras' `global_norm`. */
const globalNorm = (gradients: readonly Float32Array[]) =>
  f(Math.sqrt(pairwiseSum(Float32Array.from(gradients, (gradient) => pairwiseSum(gradient.map((g) => f(g * g)))))));

const norm64 = (arrays: readonly Float32Array[]) =>
  Math.sqrt(arrays.reduce((sum, array) => array.reduce((inner, x) => inner + x * x, sum), 0));

const bit = (value: number | null) => (value === null ? null : canonicalBits(Float32Array.of(value))[0]);
const bitsOf = (step: LastStep | null) =>
  step && Object.entries(step.toJSON()).map(([name, value]) => [name, typeof value === "number" ? bit(value) : value]);

let threaded: ThreadedRuntime;
beforeAll(async () => {
  threaded = await createThreadedRuntime({ threads: 3 });
});
afterAll(() => threaded.free());

it("both backends", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(plan(), (training) => {
      const options = { ...training.options, measure: { gradientNorm: true, updateNorm: true } };
      const [wasm, js] = [make({ ...training, options }, runtimes.wasm), make({ ...training, options }, runtimes.js)];
      const calls = training.options.gradientAccumulationSteps || 1;
      const simple = calls === 1 && !training.scaled && training.options.lossScaleFactor == null;
      for (let step = 0; step < training.gradients.length; step++) {
        const gradients = gradientsAt(training, step);
        const before = wasm.variables.map(({ value }) => value.slice());
        for (const { optimizer, variables } of [wasm, js]) optimizer.apply(gradients, variables);
        const last = wasm.optimizer.lastStep!;
        expect(bitsOf(js.optimizer.lastStep)).toEqual(bitsOf(last));
        // Nobody looks at the gradients of frozen variables.
        const seen = gradients.map((gradient, i) => training.overrides[i]?.trainable !== false && gradient);
        const allFinite = seen.every((gradient) => !gradient || gradient.every(Number.isFinite));
        expect(last.finite).toBe(allFinite);
        expect(last.outcome === "skipped").toBe(training.scaled && !allFinite);
        const trained = seen.flatMap((gradient, i) =>
          gradient && !wasm.variables[i]!.overwriteWithGradient ? [gradient] : [],
        );
        if (simple) {
          expect(last.outcome).toBe("updated");
          expect(bit(last.gradientNorm)).toBe(bit(globalNorm(trained)));
          const exact = norm64(trained);
          // Squares below float32's least are lost, those above its greatest are infinite.
          if (exact > 1e-15 && exact < 1e18) expect(Math.abs(last.gradientNorm! - exact)).toBeLessThan(1e-5 * exact);
        }
        if (last.outcome === "updated") {
          const changes = wasm.variables.map(({ value }, i) => Float64Array.from(value, (x, k) => x - before[i]![k]!));
          const exact = norm64(changes as never);
          const close = Math.abs(last.updateNorm! - exact) <= 1e-6 * exact;
          expect(close || !(exact > 1e-37 && exact < 1e38)).toBe(true);
        }
      }
      free(wasm);
      free(js);
    }),
    { numRuns: 200 },
  );
});

it("threads", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(plan(), fc.integer({ min: 60_000, max: 70_000 }), (small, large) => {
      const training = {
        ...small,
        options: { ...small.options, measure: { gradientNorm: true, updateNorm: true } },
        lengths: [large, ...small.lengths],
        gradients: small.gradients.slice(0, 3),
      };
      const [many, one] = [make(training, threaded), make(training, runtimes.wasm)];
      for (let step = 0; step < training.gradients.length; step++) {
        const gradients = gradientsAt(training, step);
        for (const { optimizer, variables } of [many, one]) optimizer.apply(gradients, variables);
        expect(bitsOf(many.optimizer.lastStep)).toEqual(bitsOf(one.optimizer.lastStep));
      }
      free(many);
      free(one);
    }),
    { numRuns: 20 },
  );
});
