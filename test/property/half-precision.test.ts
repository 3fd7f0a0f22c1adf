// Gradients of 16 bits: the bits of a training with gradients widened to float32 first, whatever the options, on both
// backends.
import * as fc from "fast-check";
import {
  type AnyVariable,
  type GradientDtype,
  LossScaleOptimizer,
  RMSprop,
  type Runtime,
  Variable,
} from "rmsprop-wasm";
import { expect, it } from "vitest";
import { type HalfDtype, widen } from "../half.js";
import { bitsOf, type Plan, plan, runtimes } from "./arbitraries.js";

/** Bits that look random, and are those of finite numbers in most trainings. */
function patterns(count: number, seed: number, finite: boolean): Uint16Array {
  let state = seed >>> 0;
  return Uint16Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Without the largest exponents, so that squares do not overflow; the smallest are subnormal.
    return finite ? (state >>> 16) & 0xafff : state >>> 16;
  });
}

function make({ options, lengths, values, scaled }: Plan, dtypes: readonly GradientDtype[], runtime: Runtime) {
  const variables = lengths.map(
    (length, i) =>
      new Variable(patterns(length, values.seed + i, true).map(Number), {
        name: `v${i}`,
        overwriteWithGradient: i > 1 && i === lengths.length - 1,
        gradientDtype: dtypes[i]!,
        runtime,
      }) as AnyVariable,
  );
  const inner = new RMSprop({ ...options, name: "inner" });
  const optimizer = scaled
    ? new LossScaleOptimizer(inner, { name: "outer", dynamicGrowthSteps: 2, initialScale: 8 })
    : inner;
  optimizer.build(variables);
  return { variables, optimizer };
}

const dtype = fc.constantFrom<GradientDtype[]>("float16", "bfloat16", "float16", "bfloat16", "float32");

it.each(["wasm", "js"] as const)("%s", { timeout: 120_000 }, (backend) => {
  fc.assert(
    fc.property(
      plan(),
      fc.array(dtype, { minLength: 4, maxLength: 4 }),
      fc.array(fc.nat(15), { minLength: 8, maxLength: 8 }),
      (training, dtypes, choices) => {
        const half = make(training, dtypes, runtimes[backend]);
        const full = make(training, ["float32", "float32", "float32", "float32"], runtimes[backend]);
        training.gradients.forEach(({ seed, kind }, step) => {
          const halves = training.lengths.map((length, i) => patterns(length, seed + 7 * i, kind !== "any"));
          const widened = halves.map((array, i) =>
            Float32Array.from(array, (x) => (dtypes[i] === "float32" ? x : widen(dtypes[i] as HalfDtype, x))),
          );
          if (choices[step]! === 0) {
            for (const [i, { gradient }] of half.variables.entries()) gradient.set(halves[i]!);
            for (const [i, { gradient }] of full.variables.entries()) gradient.set(widened[i]!);
            half.optimizer.step();
            full.optimizer.step();
            return;
          }
          // Some are null, but never all.
          const some = <T>(gradients: readonly T[]) =>
            gradients.map((g, i) => (i > 0 && (choices[step]! >> i) & 1 ? null : g));
          half.optimizer.apply(some(halves));
          full.optimizer.apply(some(widened));
        });
        for (const { optimizer } of [half, full]) optimizer.finalizeVariableValues();
        expect(bitsOf(half.optimizer, half.variables, false)).toEqual(bitsOf(full.optimizer, full.variables, false));
        for (const { optimizer, variables } of [half, full]) {
          optimizer.free();
          for (const variable of variables) variable.free();
        }
      },
    ),
    { numRuns: 300 },
  );
});
