// Weight decay and who is excluded from it: variables, names, patterns; before and after build; the last call counts.
import { LossScaleOptimizer, RMSprop, Variable, type WeightDecayExclusion } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { hidden, onBothBackends } from "./support.js";

const NAMES = ["kernel", "bias", "dense_bias", "b|i", "BIAS"];

onBothBackends((runtime) => {
  /** The names of the variables that decay in one step with zero gradients. */
  function decaying(...exclusions: readonly ((variables: Variable[]) => WeightDecayExclusion)[]): string[] {
    return [true, false]
      .map((beforeBuild) => {
        const variables = NAMES.map((name) => new Variable([1], { name, path: `dense/bias/${name}`, runtime }));
        const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
        if (!beforeBuild) optimizer.build(variables);
        for (const exclusion of exclusions) optimizer.excludeFromWeightDecay(exclusion(variables));
        optimizer.apply(
          variables.map(() => [0]),
          variables,
        );
        return variables.filter(({ value }) => value[0] !== 1).map(({ name }) => name);
      })
      .reduce((before, after) => {
        expect(after).toEqual(before);
        return before;
      });
  }

  it("takes weightDecay times the learning rate off each value, before the update", () => {
    const w = new Variable([1, -2], { runtime });
    new RMSprop({ weightDecay: 0.5, learningRate: 0.5 }).apply([[0, 0]], [w]);
    expect([...w.value]).toEqual([0.75, -1.5]);
  });

  it("is for all variables by default", () => {
    expect(decaying()).toEqual(NAMES);
    expect(decaying(() => ({}))).toEqual(NAMES);
    expect(decaying(() => ({ names: [], variables: [] }))).toEqual(NAMES);
    expect(decaying(() => ({ names: undefined, variables: undefined }))).toEqual(NAMES);
  });

  it("is not for the variables listed", () => {
    expect(decaying(([kernel]) => ({ variables: [kernel!] }))).toEqual(NAMES.slice(1));
  });

  it("is not for variables in whose name, not path, a string is found, read as a regular expression", () => {
    expect(decaying(() => ({ names: ["bias"] }))).toEqual(["kernel", "b|i", "BIAS"]);
    expect(decaying(() => ({ names: ["^bias$"] }))).toEqual(["kernel", "dense_bias", "b|i", "BIAS"]);
    expect(decaying(() => ({ names: ["dense/"] }))).toEqual(NAMES);
    expect(decaying(() => ({ names: ["b\\|i", "kern.l"] }))).toEqual(["bias", "dense_bias", "BIAS"]);
    expect(decaying(() => ({ names: [""] }))).toEqual([]);
  });

  it("is not for variables in whose name a RegExp is found, whatever its flags and its lastIndex", () => {
    expect(decaying(() => ({ names: [/bias/i] }))).toEqual(["kernel", "b|i"]);
    const global = /bias/g;
    global.lastIndex = 3;
    expect(decaying(() => ({ names: [global] }))).toEqual(["kernel", "b|i", "BIAS"]);
    expect(global.lastIndex).toBe(3);
    const sticky = /bias/y;
    sticky.lastIndex = 6;
    // A sticky pattern is one that must match at the beginning.
    expect(decaying(() => ({ names: [sticky] }))).toEqual(["kernel", "dense_bias", "b|i", "BIAS"]);
    expect(sticky.lastIndex).toBe(6);
  });

  it("is not for either kind, if both are given", () => {
    expect(decaying(([kernel]) => ({ names: [/^d/, "BIAS"], variables: [kernel!] }))).toEqual(["bias", "b|i"]);
  });

  it("each call replaces the one before", () => {
    expect(
      decaying(
        () => ({ names: ["kernel"] }),
        () => ({ names: ["BIAS"] }),
      ),
    ).toEqual(["kernel", "bias", "dense_bias", "b|i"]);
    expect(
      decaying(
        () => ({ names: ["kernel"] }),
        () => ({}),
      ),
    ).toEqual(NAMES);
  });

  it("a call that fails replaces nothing", () => {
    const w = new Variable([1], { name: "w", runtime });
    const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
    optimizer.excludeFromWeightDecay({ names: ["w"] });
    optimizer.build([w]);
    for (const wrong of [{ names: "w" }, { names: ["("] }, { names: [1] }, { variables: [1] }, { what: [] }]) {
      expect(() => optimizer.excludeFromWeightDecay(wrong as never)).toThrow();
      optimizer.apply([[0]]);
      expect(w.value[0]).toBe(1);
    }
  });

  it("a regular expression that throws replaces nothing, and leaves nothing built", () => {
    const w = new Variable([1], { name: "w", runtime });
    const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
    const throwing = /w/;
    throwing.exec = () => {
      throw new EvalError("on purpose");
    };
    optimizer.excludeFromWeightDecay({ names: [throwing] });
    expect(() => optimizer.build([w])).toThrow("on purpose");
    expect(optimizer.built).toBe(false);
    optimizer.excludeFromWeightDecay({ variables: [w] });
    optimizer.build([w]);
    expect(() => optimizer.excludeFromWeightDecay({ names: [throwing] })).toThrow("on purpose");
    // As the adapters do.
    const state = hidden(optimizer, "state") as { rebuild(variables: Variable[]): (keep: boolean) => void };
    state.rebuild([w])(true);
    optimizer.apply([[0]]);
    expect(w.value[0]).toBe(1);
  });

  it("on a LossScaleOptimizer it is the inner optimizer's", () => {
    const w = new Variable([1], { name: "w", runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop({ weightDecay: 0.5, learningRate: 0.5 }));
    optimizer.excludeFromWeightDecay({ names: ["w"] });
    optimizer.apply([[0]], [w]);
    expect(w.value[0]).toBe(1);
  });
});

describe("an exclusion", () => {
  it("does not keep or change the lists it was given", () => {
    const w = new Variable([1], { name: "w" });
    const names: string[] = ["w"];
    const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
    optimizer.excludeFromWeightDecay(Object.freeze({ names }));
    names.length = 0;
    optimizer.apply([[0]], [w]);
    expect(w.value[0]).toBe(1);
  });
});
