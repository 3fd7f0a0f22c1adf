// Gradients that are null, missing or in another order: which variables a call updates.
import { LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

onBothBackends((runtime) => {
  const make = () => ["a", "b", "c"].map((name, i) => new Variable(noise(9 + i, i), { name, runtime }));
  const gradient = (variable: Variable, seed: number) => noise(variable.size, seed);

  it("null leaves its variable, its slots and its gradient alone, but not the others", () => {
    const variables = make();
    const [a, b, c] = variables as [Variable, Variable, Variable];
    const optimizer = new RMSprop({ momentum: 0.9, weightDecay: 0.1 });
    optimizer.build(variables);
    b.gradient.fill(7);
    optimizer.apply([gradient(a, 1), null, gradient(c, 2)]);
    expect(bits(b.value)).toEqual(bits(noise(10, 1)));
    expect([...b.gradient]).toEqual(new Array(10).fill(7));
    expect([...optimizer.slot("velocity", b)!]).toEqual(new Array(10).fill(0));
    for (const [variable, seed] of [
      [a, 0],
      [c, 2],
    ] as const) {
      expect(bits(variable.value)).not.toEqual(bits(noise(variable.size, seed)));
    }
    expect(optimizer.iterations).toBe(1);
  });

  it("null, a call without the variable, and an optimizer without it give the same bits", () => {
    const runs = [
      ([a, b, c]: Variable[], optimizer: RMSprop) => {
        optimizer.build([a!, b!, c!]);
        return (step: number) => optimizer.apply([gradient(a!, step), null, gradient(c!, step)]);
      },
      ([a, b, c]: Variable[], optimizer: RMSprop) => {
        optimizer.build([a!, b!, c!]);
        return (step: number) => optimizer.apply([gradient(a!, step), gradient(c!, step)], [a!, c!]);
      },
      ([a, , c]: Variable[], optimizer: RMSprop) => {
        return (step: number) => optimizer.apply([gradient(a!, step), gradient(c!, step)], [a!, c!]);
      },
    ];
    const values = runs.map((run) => {
      const variables = make();
      const apply = run(variables, new RMSprop({ globalClipnorm: 0.5, centered: true, weightDecay: 0.01 }));
      for (let step = 0; step < 5; step++) apply(step);
      return variables.map(({ value }) => bits(value));
    });
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).toEqual(values[0]);
  });

  it("all null is an error and changes nothing, built or not", () => {
    const variables = make();
    for (const optimizer of [new RMSprop(), new LossScaleOptimizer(new RMSprop())]) {
      for (let turn = 0; turn < 2; turn++) {
        const before = stateOf(optimizer, variables);
        for (const action of [
          () => optimizer.apply([null, null, null], variables),
          () => optimizer.applyGradients(variables.map((variable) => [null, variable])),
        ]) {
          const error = errorOf(action);
          expect(error).toBeInstanceOf(RangeError);
          expect(error.message).toMatch(/No gradients provided for any variable/);
        }
        expect(stateOf(optimizer, variables)).toEqual(before);
        optimizer.build(variables);
      }
    }
  });

  it("an empty list does nothing: no build, no count", () => {
    const optimizer = new RMSprop();
    optimizer.apply([], []);
    expect(optimizer.applyGradients([])).toBe(0);
    expect([optimizer.built, optimizer.rawIterations]).toEqual([false, 0]);
  });

  it("the first apply builds with all variables given, also those whose gradient is null", () => {
    const variables = make();
    const optimizer = new RMSprop();
    optimizer.apply([null, gradient(variables[1]!, 1), null], variables);
    expect(optimizer.variables.map(({ name }) => name)).toEqual([
      "iteration",
      "learning_rate",
      "a_velocity",
      "b_velocity",
      "c_velocity",
    ]);
    optimizer.apply(variables.map((variable) => gradient(variable, 2)));
    expect(optimizer.iterations).toBe(2);
  });

  it("the order of a call does not matter without a global norm", () => {
    const train = (order: readonly number[]) => {
      const variables = make();
      const optimizer = new RMSprop({ clipnorm: 0.3, momentum: 0.5 });
      optimizer.build(variables);
      for (let step = 0; step < 4; step++) {
        const chosen = order.map((i) => variables[i]!);
        optimizer.apply(
          chosen.map((variable) => gradient(variable, variable.size + step)),
          chosen,
        );
      }
      return variables.map(({ value }) => bits(value));
    };
    expect(train([2, 0, 1])).toEqual(train([0, 1, 2]));
  });

  it("averages of variables without a gradient go on, their constraints and decay do not", () => {
    const clamp = (value: Float32Array) => value.fill(9);
    const [a, b] = [new Variable([1], { runtime }), new Variable([1], { constraint: clamp, runtime })] as const;
    const optimizer = new RMSprop({ useEma: true, emaMomentum: 0.5, weightDecay: 0.5, learningRate: 0.5 });
    optimizer.build([a, b]);
    optimizer.apply([[1], null]);
    expect(b.value[0]).toBe(1);
    expect(optimizer.slot("average", b)![0]).toBe(1);
    b.value = [3];
    optimizer.apply([[1], null]);
    expect(optimizer.slot("average", b)![0]).toBe(2);
    expect(b.value[0]).toBe(3);
  });

  it("gradients of the other variables are not looked at: a NaN in them does not skip a scaled step", () => {
    const variables = make();
    const optimizer = new LossScaleOptimizer(new RMSprop());
    optimizer.build(variables);
    variables[1]!.gradient.fill(Number.NaN);
    optimizer.apply([gradient(variables[0]!, 1), null, gradient(variables[2]!, 1)]);
    expect([optimizer.stepCounter, optimizer.iterations]).toEqual([1, 1]);
  });
});
