// Several optimizers, over disjoint and over shared variables.
import { LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { bits, noise, onBothBackends } from "./support.js";

onBothBackends((runtime) => {
  const make = (seed: number) => new Variable(noise(17, seed), { runtime });

  it("over disjoint variables train like each one alone, in whatever order", () => {
    const train = (together: boolean) => {
      const variables = [make(1), make(2)];
      const optimizers = [new RMSprop({ momentum: 0.9 }), new LossScaleOptimizer(new RMSprop({ centered: true }))];
      const step = (which: number, i: number) => optimizers[which]!.apply([noise(17, i)], [variables[which]!]);
      if (together) for (let i = 0; i < 5; i++) for (const which of [i % 2, 1 - (i % 2)]) step(which, i);
      else for (const which of [0, 1]) for (let i = 0; i < 5; i++) step(which, i);
      return variables.map(({ value }) => bits(value));
    };
    expect(train(true)).toEqual(train(false));
  });

  it("over one variable share its value and its gradient, but keep their own state", () => {
    const w = make(1);
    const [first, second] = [new RMSprop({ learningRate: 0.1 }), new RMSprop({ learningRate: 0.1, rho: 0.5 })];
    first.build([w]);
    second.build([w]);
    w.gradient.set(noise(17, 2));
    first.step();
    const between = bits(w.value);
    expect([...second.slot("velocity", w)!]).toEqual(new Array(17).fill(0));
    second.step();
    expect(bits(w.value)).not.toEqual(between);
    expect(bits(first.slot("velocity", w)!)).not.toEqual(bits(second.slot("velocity", w)!));
    expect([first.iterations, second.iterations]).toEqual([1, 1]);
  });

  it("over one variable give the bits of the same steps done one after the other by hand", () => {
    const [shared, a] = [make(1), new RMSprop({ momentum: 0.5 })];
    const b = new RMSprop({ learningRate: 0.01 });
    const [own, c] = [make(1), new RMSprop({ momentum: 0.5 })];
    const [other, d] = [make(1), new RMSprop({ learningRate: 0.01 })];
    for (let i = 0; i < 6; i++) {
      a.apply([noise(17, i)], [shared]);
      b.apply([noise(17, i + 9)], [shared]);
      c.apply([noise(17, i)], [own]);
      other.assign(own.value);
      d.apply([noise(17, i + 9)], [other]);
      own.assign(other.value);
    }
    expect(bits(shared.value)).toEqual(bits(own.value));
  });

  it("go on when one of them is freed", () => {
    const [a, b] = [make(1), make(2)];
    const [first, second] = [new RMSprop(), new RMSprop()];
    first.apply([noise(17), noise(17)], [a, b]);
    second.apply([noise(17)], [b]);
    first.free();
    const before = bits(b.value);
    second.step();
    expect(bits(b.value)).not.toEqual(before);
  });

  it("know many variables, each by its index", () => {
    const variables = Array.from(
      { length: 500 },
      (_, i) => new Variable(new Float32Array((i % 7) + 1).fill(i), { runtime }),
    );
    const optimizer = new RMSprop({ learningRate: 1, rho: 0 });
    optimizer.build(variables);
    for (const [i, variable] of variables.entries()) variable.gradient.fill(i + 1);
    optimizer.step();
    // With rho 0 and next to no epsilon, each step is the learning rate.
    for (const [i, variable] of variables.entries()) expect(variable.value[0]).toBe(i - 1);
    for (const [i, variable] of variables.entries()) {
      expect(optimizer.slot("velocity", variable)![0]).toBe(Math.fround((i + 1) ** 2));
    }
  });
});
