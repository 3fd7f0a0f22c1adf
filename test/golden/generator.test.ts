/** The generators reproduce the draws that every vector file carries along, and one value of each kind by hand. */

import { describe, expect, it } from "vitest";
import { canonicalBits, hex } from "./bits.js";
import type { Generator } from "./format.js";
import { draw, generate } from "./generator.js";
import { files, read } from "./vectors.js";

describe("generators", () => {
  it.each(files)("$name: the file's self check", ({ name }) => {
    const { seed, draws_k0_to_k7: draws } = read(name).meta.generator_self_check!;
    expect(draws.map((_, k) => hex(draw(seed, k)))).toEqual(draws);
  });

  const at = (generator: Generator, step = 0) =>
    generate(generator, { step, total: 8, offset: 2, size: 6 }, Float32Array.of(1, -2, 3, -4, 5, -6));

  it("uniform is exact in float32 and within its scale", () => {
    const values = at({ gen: "uniform", seed: 7, scale: 1 });
    for (const value of values) expect(Math.abs(value)).toBeLessThanOrEqual(1);
    expect(new Set(values).size).toBe(6);
  });

  it("const repeats step 0 of uniform, with its bias", () => {
    const uniform = at({ gen: "uniform", seed: 7, scale: 1, bias: 2 });
    expect(at({ gen: "const", seed: 7, scale: 1, bias: 2 }, 5)).toEqual(uniform);
    expect(at({ gen: "uniform", seed: 7, scale: 1, bias: 2 }, 5)).not.toEqual(uniform);
  });

  it("sparse keeps a value of uniform or has +0", () => {
    const uniform = at({ gen: "uniform", seed: 9, scale: 1 });
    const sparse = at({ gen: "sparse", seed: 9, scale: 1 });
    for (const [i, value] of sparse.entries()) expect([0, uniform[i]]).toContain(value);
    expect(sparse).toContain(0);
  });

  it("wide stays within its exponents", () => {
    for (const bits of canonicalBits(at({ gen: "wide", seed: 3, emin: 100, emax: 140 }))) {
      const exponent = (bits >>> 23) & 0xff;
      expect(exponent >= 100 && exponent <= 140).toBe(true);
    }
  });

  it("special takes bits from its table", () => {
    const table = [0x80000000, 0x7f800000];
    for (const bits of canonicalBits(at({ gen: "special", seed: 3, emin: 1, emax: 2, table, rate: 16 }))) {
      expect(table).toContain(bits);
    }
  });

  it("self scales the current value", () => {
    expect(at({ gen: "self", seed: 0, scale: 0.5 })).toEqual(Float32Array.of(0.5, -1, 1.5, -2, 2.5, -3));
  });
});
