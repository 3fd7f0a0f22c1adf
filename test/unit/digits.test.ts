// The parts of examples/digits: the exponential, the gradient, the training on both backends.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createRuntime, type Runtime } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../examples/digits/crc32.js";
import { parseExamples, split } from "../../examples/digits/data.js";
import { exponential } from "../../examples/digits/exponential.js";
import { type Layer, Network } from "../../examples/digits/network.js";
import { seededRandom, shuffled } from "../../examples/digits/random.js";
import { defaults, type Epoch, type Result, type Settings, train } from "../../examples/digits/train.js";

const csv = gunzipSync(readFileSync(new URL("../../examples/digits/digits.csv.gz", import.meta.url))).toString();
const examples = parseExamples(csv);

describe("exponential", () => {
  // Big integers with 320 bits after the point: eˣ by its Taylor series, far more exact than a double.
  const POINT = 320n;

  /** A double is a whole number of 2⁻¹⁰⁷⁴; here those with |x| ≥ 2⁻²⁰⁰ are enough. */
  function fixed(x: number): bigint {
    let exponent = 0;
    for (; !Number.isInteger(x); exponent++) x *= 2;
    return (BigInt(x) << POINT) >> BigInt(exponent);
  }

  function exactExponential(x: number): bigint {
    const argument = fixed(x);
    let sum = 0n;
    let term = 1n << POINT;
    for (let n = 1n; term !== 0n && term !== -1n; n++) {
      sum += term;
      term = ((term * argument) >> POINT) / n;
    }
    return sum;
  }

  function errorInUlps(x: number): number {
    const result = exponential(x);
    const ulp = 2 ** (Math.floor(Math.log2(result)) - 52);
    const difference = fixed(result) - exactExponential(x);
    return Math.abs(Number(difference) / Number(fixed(ulp)));
  }

  it("is within one unit in the last place of the exact value", () => {
    const random = seededRandom(7);
    const near = Array.from({ length: 2000 }, () => 2 * random() - 1);
    const far = Array.from({ length: 2000 }, () => 100 * random() - 60);
    const borders = Array.from({ length: 40 }, (_, i) => (i - 20.5) * Math.LN2); // where the reduction changes over
    const errors = [...near, ...far, ...borders].map(errorInUlps);
    expect(Math.max(...errors)).toBeLessThan(1);
  });

  it("agrees with Math.exp to 1e-15 over the whole range", () => {
    for (let x = -708; x < 709.7; x += 0.37) {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-15);
    }
  });

  it.each([
    [0, 1],
    [-0, 1],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, 0],
    [709.782712893384, Math.exp(709.782712893384)],
    [709.79, Number.POSITIVE_INFINITY],
    [-745.13, Number.MIN_VALUE],
    [-746, 0],
  ])("of %s is %s", (x, expected) => {
    const result = exponential(x);
    if (Number.isFinite(expected) && expected !== 0) expect(Math.abs(result / expected - 1)).toBeLessThan(1e-15);
    else expect(result).toBe(expected);
  });
});

describe("network", () => {
  it("has the gradient that finite differences show", () => {
    // The same code on Float64Array, so that the differences are exact to many digits.
    const random = seededRandom(3);
    const parameter = (size: number) => ({
      value: Float64Array.from({ length: size }, () => random() - 0.5),
      gradient: new Float64Array(size),
    });
    const layer = (inputs: number, units: number): Layer => ({
      kernel: parameter(inputs * units),
      bias: parameter(units),
    });
    const network = new Network(layer(12, 8), layer(8, 5));
    const batch = [0, 1, 2].map((label) => ({
      label,
      inputs: Float64Array.from({ length: 12 }, () => Math.max(random() - 0.3, 0)),
    }));
    const weight = 1 / batch.length;

    function meanLoss(): number {
      let sum = 0;
      for (const { inputs, label } of batch) {
        network.forward(inputs);
        sum += weight * network.loss(label);
      }
      return sum;
    }
    for (const { inputs, label } of batch) {
      network.forward(inputs);
      network.backward(inputs, label, weight);
    }

    const step = 1e-5;
    for (const { value, gradient } of [
      network.first.kernel,
      network.first.bias,
      network.second.kernel,
      network.second.bias,
    ]) {
      expect(gradient.some((slope) => Math.abs(slope) > 1e-2)).toBe(true);
      value.forEach((old, i) => {
        value[i] = old + step;
        const above = meanLoss();
        value[i] = old - step;
        const below = meanLoss();
        value[i] = old;
        expect(Math.abs((above - below) / (2 * step) - Number(gradient[i]))).toBeLessThan(1e-9);
      });
    }
  });

  it("stays finite for logits far apart", () => {
    const constant = (...values: number[]) => ({
      value: Float64Array.from(values),
      gradient: new Float64Array(values.length),
    });
    const network = new Network(
      { kernel: constant(1), bias: constant(0) },
      { kernel: constant(5000, -5000), bias: constant(0, 0) },
    );
    expect(network.forward(Float64Array.of(1))).toBe(0);
    expect([...network.probabilities]).toEqual([1, 0]);
    expect(network.loss(1)).toBeGreaterThan(700);
    expect(network.loss(1)).toBeLessThan(Number.POSITIVE_INFINITY);
  });
});

describe("data", () => {
  it("has 1,797 digits and holds out a fifth", () => {
    const { training, heldOut } = split(examples, seededRandom(1));
    expect([examples.length, training.length, heldOut.length]).toEqual([1797, 1437, 360]);
    expect(new Set([...training, ...heldOut]).size).toBe(1797);
    expect(examples.every(({ pixels }) => pixels.length === 64 && Math.max(...pixels) <= 1)).toBe(true);
  });

  it.each([
    "",
    "1,2,3",
    `${"0,".repeat(64)}10`,
    `${"0,".repeat(64)}1.5`,
    `${"17,".repeat(64)}1`,
    `${"x,".repeat(64)}1`,
  ])("rejects the line %j", (line) => expect(() => parseExamples(line)).toThrow(/line 1 of the data/));
});

describe("random", () => {
  it("repeats itself for the same seed only, within [0, 1)", () => {
    const draw = (seed: number) => Array.from({ length: 1000 }, seededRandom(seed));
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(draw(5).every((number) => number >= 0 && number < 1)).toBe(true);
    const mean = draw(5).reduce((sum, number) => sum + number, 0) / 1000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });

  it("shuffles a copy", () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const order = shuffled(items, seededRandom(1));
    expect(order).not.toEqual(items);
    expect([...order].sort((a, b) => a - b)).toEqual(items);
  });
});

describe("crc32", () => {
  const bytes = new TextEncoder().encode("123456789");

  it("gives the check value of the standard, in one part or in two", () => {
    expect(crc32(bytes)).toBe(0xcbf43926);
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
  });
});

describe("train", () => {
  function run(settings: Settings, runtime: Runtime): { epochs: Epoch[]; result: Result } {
    const training = train(examples, settings, { runtime });
    const epochs: Epoch[] = [];
    for (;;) {
      const { done, value } = training.next();
      if (done) return { epochs, result: value };
      epochs.push(value);
    }
  }

  it("reads at least 96 % of the digits it has never seen, with the same bits on both backends", () => {
    const wasm = run(defaults, createRuntime({ backend: "wasm" }));
    const script = run(defaults, createRuntime({ backend: "js" }));
    expect(wasm).toEqual(script);
    expect(wasm.result.correct / wasm.result.tested).toBeGreaterThanOrEqual(0.96);
    expect(wasm.result.tested).toBe(360);
    expect(wasm.result.parameters).toBe(64 * 32 + 32 + 32 * 10 + 10);
    // The value in the example's README. It changes with the defaults, never with the machine.
    expect(wasm.result.checksum.toString(16)).toBe("6be98aeb");
  });

  it("warms up to the rate asked for, then falls to 0", () => {
    const { epochs } = run({ ...defaults, epochs: 6 }, createRuntime());
    const rates = epochs.map(({ learningRate }) => learningRate);
    expect(rates[0]).toBeCloseTo(0.005, 6);
    expect(rates[1]).toBeCloseTo(0.01, 6);
    expect(rates.slice(1)).toEqual(rates.slice(1).sort((a, b) => b - a));
    expect(rates.at(-1)).toBe(0);
  });

  it("can be left before its end", () => {
    for (const { epoch } of train(examples, defaults)) if (epoch === 2) break;
  });
});
