// Without a norm, what happens to an element depends on it alone: cutting a variable into pieces changes no bit.
import * as fc from "fast-check";
import { RMSprop, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { SLOTS } from "../../ts/generated/codes.js";
import { canonicalBits } from "../golden/bits.js";
import { numbers } from "../noise.mjs";
import { elementwise, length, noise, runtimes } from "./arbitraries.js";

it.each(["wasm", "js"] as const)("%s", { timeout: 60_000 }, (backend) => {
  const runtime = runtimes[backend];
  fc.assert(
    fc.property(
      elementwise,
      fc.array(length, { minLength: 1, maxLength: 6 }),
      noise,
      fc.array(noise, { minLength: 1, maxLength: 6 }),
      (options, lengths, values, gradients) => {
        const total = lengths.reduce((sum, count) => sum + count, 0);
        const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
        const pieces = (all: Float32Array) => lengths.map((count, i) => all.slice(ends[i]! - count, ends[i]));
        const whole = new Variable(numbers(total, values), { runtime });
        const parts = pieces(numbers(total, values)).map((part) => new Variable(part, { runtime }));
        const [one, many] = [new RMSprop(options), new RMSprop(options)];
        for (const gradient of gradients) {
          const all = numbers(total, gradient);
          one.apply([all], [whole]);
          many.apply(pieces(all), parts);
        }
        const bits = (arrays: readonly (Float32Array | null)[]) =>
          arrays.flatMap((array) => [...canonicalBits(array ?? new Float32Array(0))]);
        expect(bits(parts.map(({ value }) => value))).toEqual(bits([whole.value]));
        for (const slot of SLOTS) {
          expect(bits(parts.map((part) => many.slot(slot, part))), slot).toEqual(bits([one.slot(slot, whole)]));
        }
        for (const object of [one, many, whole, ...parts]) object.free();
      },
    ),
    { numRuns: 200 },
  );
});
