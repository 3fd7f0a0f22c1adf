// LossScaleOptimizer: when the scale moves, the steps it skips, and the bounds that Keras does not have.
import { LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends } from "./support.js";

onBothBackends((runtime) => {
  /** The scale after each step; `x` is a step with a gradient that is not finite. */
  function scales(steps: string, options: ConstructorParameters<typeof LossScaleOptimizer>[1]): number[] {
    const w = new Variable([1, 2], { runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop(), options);
    return [...steps].map((step) => {
      optimizer.apply([step === "x" ? [1, Number.POSITIVE_INFINITY] : [1, 1]], [w]);
      return optimizer.dynamicScale;
    });
  }

  it("doubles after `dynamicGrowthSteps` finite steps in a row, halves after one that is not", () => {
    expect(scales("....", { initialScale: 4, dynamicGrowthSteps: 2 })).toEqual([4, 8, 8, 16]);
    expect(scales(".x..x", { initialScale: 4, dynamicGrowthSteps: 2 })).toEqual([4, 2, 2, 4, 2]);
    expect(scales("...", { initialScale: 4, dynamicGrowthSteps: 1 })).toEqual([8, 16, 32]);
  });

  it("never doubles if dynamicGrowthSteps is 0 or less", () => {
    for (const dynamicGrowthSteps of [0, -3, -(2 ** 31)]) {
      expect(scales("....x.", { initialScale: 4, dynamicGrowthSteps })).toEqual([4, 4, 4, 4, 2, 2]);
    }
  });

  it("stays within minimumScale and maximumScale", () => {
    const bounds = { minimumScale: 1, maximumScale: 6 };
    expect(scales("..xxxx..", { initialScale: 4, dynamicGrowthSteps: 1, ...bounds })).toEqual([
      6, 6, 3, 1.5, 1, 1, 2, 4,
    ]);
    expect(scales("x.", { initialScale: 4, dynamicGrowthSteps: 1, minimumScale: 4, maximumScale: 4 })).toEqual([4, 4]);
  });

  it("reaches infinity and 0 without bounds, as in Keras, and recovers from neither", () => {
    expect(scales("..x.", { initialScale: 2 ** 127, dynamicGrowthSteps: 1 })).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    expect(scales("xxx.", { initialScale: 2 ** -148, dynamicGrowthSteps: 1 })).toEqual([2 ** -149, 0, 0, 0]);
  });

  it("a skipped step changes nothing but the scale and its counter", () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const variables = [new Variable(noise(9), { runtime }), new Variable([1], { runtime })];
      const inner = new RMSprop({ momentum: 0.9, useEma: true, gradientAccumulationSteps: 2, weightDecay: 0.1 });
      const optimizer = new LossScaleOptimizer(inner, { dynamicGrowthSteps: 10 });
      for (let step = 0; step < 3; step++) optimizer.apply([noise(9, step), [1]], variables);
      expect(optimizer.stepCounter).toBe(3);
      const state = () => [...variables, ...inner.variables].map(({ value }) => bits(value));
      const before = state();
      optimizer.apply([noise(9, 7), [wrong]]);
      expect(state()).toEqual(before);
      expect([optimizer.stepCounter, optimizer.dynamicScale, optimizer.rawIterations]).toEqual([0, 2 ** 14, 3]);
    }
  });

  it("a power of two leaves no trace in the bits of a training with scaled gradients", () => {
    const [w, plain] = [new Variable(noise(50), { runtime }), new Variable(noise(50), { runtime })];
    const optimizer = new LossScaleOptimizer(new RMSprop({ centered: true }), {
      initialScale: 64,
      dynamicGrowthSteps: 3,
    });
    const other = new RMSprop({ centered: true });
    for (let step = 0; step < 10; step++) {
      const scale = optimizer.dynamicScale;
      optimizer.apply([noise(50, step).map((x) => x * scale)], [w]);
      other.apply([noise(50, step)], [plain]);
    }
    expect(bits(w.value)).toEqual(bits(plain.value));
    expect(optimizer.dynamicScale).toBe(64 * 8);
  });

  it("the same bits by step, apply and minimize", () => {
    const results = [0, 1, 2].map((way) => {
      const w = new Variable(noise(20), { runtime });
      const optimizer = new LossScaleOptimizer(new RMSprop({ learningRate: 0.1 }), { dynamicGrowthSteps: 2 });
      for (let step = 0; step < 6; step++) {
        const gradient = step === 3 ? new Float32Array(20).fill(Number.NaN) : noise(20, step).map((x) => x * 1000);
        if (way === 0) optimizer.apply([gradient], [w]);
        optimizer.build([w]);
        if (way > 0) w.gradient.set(gradient);
        if (way === 1) optimizer.step();
        if (way === 2) optimizer.minimize(() => 0, [w]);
      }
      return [bits(w.value), optimizer.dynamicScale, optimizer.stepCounter, optimizer.iterations];
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("wraps an optimizer that is built already, and steps it on", () => {
    const w = new Variable([1], { runtime });
    const inner = new RMSprop();
    inner.apply([[1]], [w]);
    const optimizer = new LossScaleOptimizer(inner, { initialScale: 2 });
    w.gradient[0] = 4;
    optimizer.step();
    expect([optimizer.built, optimizer.iterations, optimizer.stepCounter]).toEqual([true, 2, 1]);
    expect(optimizer.variables.map(({ name }) => name)).toContain("dynamic_scale");
  });

  it("gives the inner optimizer its slots, its paths and its counters", () => {
    const w = new Variable([1], { path: "m/w", runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop({ name: "inner" }), { name: "outer" });
    expect(optimizer.variables.map(({ path }) => path)).toEqual([
      "outer/iteration",
      "outer/learning_rate",
      "inner/iteration",
      "inner/learning_rate",
    ]);
    optimizer.apply([[1]], [w]);
    expect(optimizer.variables.map(({ path, dtype }) => [path, dtype])).toEqual([
      ["outer/iteration", "int32"],
      ["outer/learning_rate", "float32"],
      ["outer/step_counter", "int32"],
      ["outer/dynamic_scale", "float32"],
      ["inner/iteration", "int32"],
      ["inner/learning_rate", "float32"],
      ["inner/m_w_velocity", "float32"],
    ]);
    expect(optimizer.variables.slice(0, 5).map(({ value }) => value[0])).toEqual([0, 0, 1, 2 ** 15, 1]);
    expect(optimizer.slot("velocity", w)).toBe(optimizer.innerOptimizer.slot("velocity", w));
  });
});

describe("options", () => {
  it("must hold a scale within its bounds", () => {
    for (const options of [
      { initialScale: 1, minimumScale: 2 },
      { initialScale: 4, maximumScale: 2 },
      { minimumScale: 4, maximumScale: 2 },
    ]) {
      const error = errorOf(() => new LossScaleOptimizer(new RMSprop(), options));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(/`initialScale` must be between minimumScale/);
    }
    expect(
      new LossScaleOptimizer(new RMSprop(), { initialScale: 2, minimumScale: 2, maximumScale: 2 }).dynamicScale,
    ).toBe(2);
  });

  it("may be what Keras does not check", () => {
    for (const initialScale of [-1, 0, 1e-40, 0.1]) {
      expect(new LossScaleOptimizer(new RMSprop(), { initialScale }).dynamicScale).toBe(Math.fround(initialScale));
    }
  });
});
