// How objects of the package are printed, and what reactive proxies make of them.
import { inspect } from "node:util";
import { reactive } from "@vue/reactivity";
import { CosineDecay, createRuntime, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";

describe("a variable", () => {
  it("is printed with its values and its gradient", () => {
    const w = new Variable([1, 2, 3, 4.5], { path: "dense/kernel", shape: [2, 2] });
    w.gradient.fill(7);
    expect(inspect(w)).toBe(`Variable {
  path: 'dense/kernel',
  shape: [ 2, 2 ],
  value: Float32Array(4) [ 1, 2, 3, 4.5 ],
  gradient: Float32Array(4) [ 7, 7, 7, 7 ]
}`);
    expect(inspect({ w }, { breakLength: Number.POSITIVE_INFINITY })).toMatch(
      /^\{ w: Variable \{ path: 'dense.*4\.5 \]/,
    );
    w.free();
    expect(inspect(w)).toBe("Variable { path: 'dense/kernel', shape: [ 2, 2 ], freed: true }");
  });

  it("is text with its path, its shape and its first values", () => {
    expect(`${new Variable(0.1, { path: "w" })}`).toBe("<Variable path=w, shape=[], value=[0.1]>");
    const w = new Variable(Float32Array.of(0.1, 2, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-30, 7, 8), {
      path: "a/b",
    });
    expect(String(w)).toBe("<Variable path=a/b, shape=[8], value=[0.1, 2, 0, NaN, Infinity, 1e-30, and 2 more]>");
    w.free();
    expect(String(w)).toBe("<Variable path=a/b, shape=[8], freed>");
  });
});

describe("objects with private members", () => {
  const runtime = createRuntime();
  const w = new Variable([1], { runtime });
  const inner = new RMSprop();
  class Mine extends RMSprop {}

  it.each([
    ["Variable", w],
    ["Runtime", runtime],
    ["RMSprop", inner],
    ["RMSprop", new Mine()],
    ["LossScaleOptimizer", new LossScaleOptimizer(inner)],
  ])("%s is called so, and Vue leaves it as it is", (name, object) => {
    expect(Object.prototype.toString.call(object)).toBe(`[object ${name}]`);
    expect(reactive(object)).toBe(object);
  });

  it("train inside of Vue's reactive objects", () => {
    const state = reactive({
      weights: [new Variable(1)],
      optimizer: new RMSprop({ learningRate: new CosineDecay({ initialLearningRate: 0.1, decaySteps: 10 }) }),
    });
    const weights = state.weights as unknown as Variable[];
    state.optimizer.apply([[1]], weights);
    state.optimizer.step();
    expect(state.optimizer.iterations).toBe(2);
    expect(weights[0]!.value[0]).toBeLessThan(1);
  });
});
