// `lastStep` over random trainings: norms have the bits of NumPy's sums and are near float64's; both backends and threads agree.
import * as fc from "fast-check";
import type { LastStep } from "rmsprop-wasm";
import { createThreadedRuntime, type ThreadedRuntime } from "rmsprop-wasm/threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { canonicalBits } from "../golden/bits.js";
import { free, gradientsAt, make, plan, runtimes } from "./arbitraries.js";

const f = Math.fround;

/** NumPy's pairwise float32 sum (`loops_utils.h.src`), term by term. */
function pairwise(terms: Float32Array): number {
  if (terms.length < 8) return terms.reduce((sum, term) => f(sum + term), 0);
  if (terms.length > 128) {
    const half = Math.floor(terms.length / 2) - (Math.floor(terms.length / 2) % 8);
    return f(pairwise(terms.subarray(0, half)) + pairwise(terms.subarray(half)));
  }
  const r = terms.slice(0, 8);
  let i = 8;
  for (; i + 8 <= terms.length; i += 8) for (let k = 0; k < 8; k++) r[k] = f(r[k]! + terms[i + k]!);
  const [a, b, c, d, e, g, h, j] = r as unknown as [number, number, number, number, number, number, number, number];
  let sum = f(f(f(a + b) + f(c + d)) + f(f(e + g) + f(h + j)));
  for (; i < terms.length; i++) sum = f(sum + terms[i]!);
  return sum;
}

/** Keras' `global_norm`. */
const globalNorm = (gradients: readonly Float32Array[]) =>
  f(Math.sqrt(pairwise(Float32Array.from(gradients, (gradient) => pairwise(gradient.map((g) => f(g * g)))))));

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
