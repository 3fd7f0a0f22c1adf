/** The counter-based generators of the vectors: the same values in every language, with nothing but 32-bit integers. */

import type { Generator } from "./format.js";

/** Where a variable's values are in the sequence of one step. */
export interface Position {
  readonly step: number;
  /** Number of elements of all variables of the case. */
  readonly total: number;
  /** Number of elements before this variable. */
  readonly offset: number;
  readonly size: number;
}

function mix(z: number): number {
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** Draw number k of a seed: 32 random bits. */
export function draw(seed: number, k: number): number {
  return mix((seed + Math.imul(k + 1, 0x9e3779b9)) | 0);
}

/** The values of one variable at one step; `current` (the variable's value) is what `self` is made from. */
export function generate(generator: Generator, position: Position, current: Float32Array): Float32Array {
  const values = new Float32Array(position.size);
  if (generator.gen === "self") {
    const scale = Math.fround(generator.scale!);
    for (let i = 0; i < values.length; i++) values[i] = current[i]! * scale;
    return values;
  }
  const element = elementOf(generator);
  const bits = new Uint32Array(values.buffer);
  const first = (generator.gen === "const" ? 0 : position.step) * position.total + position.offset;
  for (let i = 0; i < values.length; i++) {
    const k = Math.imul(first + i, 2);
    element(draw(generator.seed, k), draw(generator.seed, k + 1), i, values, bits);
  }
  return values;
}

/** Makes element i from two draws; special values are written as bits, which keeps the one NaN they name. */
type MakeElement = (d0: number, d1: number, i: number, values: Float32Array, bits: Uint32Array) => void;

function elementOf(generator: Generator): MakeElement {
  switch (generator.gen) {
    case "wide":
      return wide(generator);
    case "special":
      return special(generator);
    default:
      return uniform(generator);
  }
}

function uniform({ gen, scale, bias }: Generator): MakeElement {
  const factor = Math.fround(scale!);
  const shift = bias === undefined ? undefined : Math.fround(bias);
  return (d0, d1, i, values) => {
    if (gen === "sparse" && (d1 & 3) !== 0) return;
    // The product and the sum of two float32 in float64, rounded once, are their float32 product and sum.
    const value = Math.fround(((d0 >>> 8) - 8388608) * 2 ** -23 * factor);
    values[i] = shift === undefined ? value : value + shift;
  };
}

function wide({ emin, emax }: Generator): MakeElement {
  const exponents = emax! - emin! + 1;
  return (d0, d1, i, _values, bits) => {
    const exponent = emin! + ((d0 >>> 8) % exponents);
    bits[i] = (d1 & 0x80000000) | (exponent << 23) | (d1 & 0x7fffff);
  };
}

function special(generator: Generator): MakeElement {
  const { table, rate } = generator;
  const otherwise = wide(generator);
  return (d0, d1, i, values, bits) => {
    if ((d0 & 15) < rate!) bits[i] = table![(d0 >>> 8) % table!.length]!;
    else otherwise(d0, d1, i, values, bits);
  };
}
