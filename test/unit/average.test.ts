// The moving average of the values: how it begins, when it overwrites, and finalizeVariableValues.
import { LossScaleOptimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

onBothBackends((runtime) => {
  it("begins as a copy and then moves by 1 - emaMomentum, in float32", () => {
    const w = new Variable([1], { runtime });
    const optimizer = new RMSprop({ useEma: true, emaMomentum: 0.9, learningRate: 0 });
    const seen = [1, 2, 4].map((value) => {
      w.value[0] = value;
      optimizer.apply([[1]], [w]);
      return optimizer.slot("average", w)![0]!;
    });
    const [f, momentum] = [Math.fround, Math.fround(0.9)];
    const rest = f(1 - momentum);
    const expected = [1];
    for (const value of [2, 4]) expected.push(f(f(momentum * expected.at(-1)!) + f(rest * value)));
    expect(seen).toEqual(expected);
  });

  it("overwrites the variables at every `emaOverwriteFrequency`-th iteration", () => {
    const w = new Variable(noise(5), { runtime });
    const optimizer = new RMSprop({ useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 3, learningRate: 0.1 });
    for (let step = 1; step <= 7; step++) {
      optimizer.apply([noise(5, step)], [w]);
      const equal = bits(w.value).join() === bits(optimizer.slot("average", w)!).join();
      expect(equal, `step ${step}`).toBe(step === 1 || step % 3 === 0);
    }
  });

  it("finalizeVariableValues sets all variables to their averages, by copy, and leaves the averages", () => {
    for (const make of [(inner: RMSprop) => inner, (inner: RMSprop) => new LossScaleOptimizer(inner)]) {
      const variables = [new Variable(noise(5), { runtime }), new Variable(noise(3), { runtime })];
      const optimizer = make(new RMSprop({ useEma: true, emaMomentum: 0.5 }));
      for (let step = 0; step < 3; step++) optimizer.apply([noise(5, step), noise(3, step)], variables);
      const averages = variables.map((variable) => bits(optimizer.slot("average", variable)!));
      expect(variables.map(({ value }) => bits(value))).not.toEqual(averages);
      optimizer.finalizeVariableValues();
      expect(variables.map(({ value }) => bits(value))).toEqual(averages);
      expect(variables.map((variable) => bits(optimizer.slot("average", variable)!))).toEqual(averages);
      expect(optimizer.rawIterations).toBe(3);
    }
  });

  it("finalizeVariableValues does nothing without useEma, and skips variables that have no average", () => {
    const [w, o] = [new Variable([1], { runtime }), new Variable([1], { overwriteWithGradient: true, runtime })];
    const plain = new RMSprop();
    plain.apply([[1], [5]], [w, o]);
    const before = stateOf(plain, [w, o]);
    plain.finalizeVariableValues();
    expect(stateOf(plain, [w, o])).toEqual(before);
    const averaging = new RMSprop({ useEma: true });
    averaging.apply([[1], [5]], [w, o]);
    expect(averaging.slot("average", o)).toBeNull();
    averaging.finalizeVariableValues();
    expect(o.value[0]).toBe(5);
  });

  it("finalizeVariableValues before build is a StateError, as is any slot", () => {
    for (const optimizer of [new RMSprop({ useEma: true }), new LossScaleOptimizer(new RMSprop())]) {
      expect(errorOf(() => optimizer.finalizeVariableValues())).toBeInstanceOf(StateError);
      expect(errorOf(() => optimizer.slot("average", new Variable(1, { runtime })))).toBeInstanceOf(StateError);
    }
  });

  it("does not see constraints, which come after it", () => {
    const w = new Variable([1], { constraint: (value) => value.fill(0), runtime });
    const optimizer = new RMSprop({ useEma: true, learningRate: 0 });
    optimizer.apply([[1]], [w]);
    expect([w.value[0], optimizer.slot("average", w)![0]]).toEqual([0, 1]);
  });
});
