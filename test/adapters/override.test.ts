// `override` in the adapters: by the names of tfjs' variables, and by the paths of jax-js' leaves; the core's bits.
import { defaultDevice, type JsTree, jit, numpy as np, tree } from "@jax-js/jax";
import {
  CosineDecay,
  LossScaleOptimizer,
  type LossScaleOptions,
  RMSprop,
  type RMSpropOptions,
  Variable,
  type VariableOverrides,
} from "rmsprop-wasm";
import { inspect, save } from "rmsprop-wasm/checkpoint";
import * as jax from "rmsprop-wasm/jax";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { bits, Counting, noise } from "../unit/support.js";
import { gradient, gradientsOf, onBothBackends, start, tf, valueBits, variables } from "./tf.js";

type Options = RMSpropOptions & { readonly lossScale?: LossScaleOptions };
const OPTIONS: Options[] = [
  { learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 },
  { learningRate: 0.05, centered: true, useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 3, clipvalue: 0.5 },
  { learningRate: 0.05, momentum: 0.5, momentumMode: "torch", gradientAccumulationSteps: 2 },
  { learningRate: 0.05, centered: true, weightDecay: 0.1, lossScale: { initialScale: 4, dynamicGrowthSteps: 2 } },
  {
    ...{ learningRate: new CosineDecay({ initialLearningRate: 0.05, decaySteps: 4 }), weightDecay: 0.1, useEma: true },
    ...{ emaOverwriteFrequency: 2, gradientAccumulationSteps: 2, lossScale: { initialScale: 4 } },
  },
];
const OVERRIDES: VariableOverrides[] = [
  { learningRateMultiplier: 0.1, weightDecay: 0.3 },
  { learningRateMultiplier: 1 / 3, weightDecay: false },
  { weightDecay: 0 },
  { trainable: false },
];
const CASES = OPTIONS.flatMap((options) => OVERRIDES.map((overrides) => ({ options, overrides })));

onBothBackends(() => {
  /** The core's bits after each step; the first variable does otherwise. */
  function expected(of: Options, overrides: VariableOverrides, steps: number): string[][][] {
    const list = [0, 1].map((i) => new Variable(start(i), { name: `v${i}` }));
    const { lossScale, ...options } = of;
    const inner = new RMSprop(options);
    const optimizer = lossScale ? new LossScaleOptimizer(inner, lossScale) : inner;
    optimizer.override({ names: ["v0"] }, overrides);
    return Array.from({ length: steps }, (_, step) => {
      optimizer.apply(
        list.map((_, i) => gradient(step, i)),
        list,
      );
      return list.map(({ value }) => bits(value));
    });
  }
  const named = () => variables().map((w, i) => tf.tidy(() => tf.variable(w, true, `override/v${i}_${w.id}`)));

  describe.each([undefined, true, "composed"] as const)("tfjs, resident: %s", (resident) => {
    const make = (options: object) => rmsprop(tf, { resident, ...options } as { resident: true });

    it.each(CASES)("has the core's bits: %o", ({ options, overrides }) => {
      for (const after of [false, true]) {
        const list = named();
        const optimizer = make(options);
        if (!after) optimizer.override({ names: ["override/v0"] }, overrides);
        expected(options, after ? {} : overrides, 5).forEach((wanted, step) => {
          const gradients = gradientsOf(list, step);
          optimizer.applyGradients(gradients);
          tf.dispose(gradients);
          if (!after) expect(list.map(valueBits)).toEqual(wanted);
          if (after && step === 0) {
            optimizer.override({ variables: [list[0]!] }, overrides);
            optimizer.override({ paths: [/v0/] }, { learningRateMultiplier: null, weightDecay: null, trainable: null });
          }
          if (after) expect(list.map(valueBits)).toEqual(wanted);
        });
        tf.dispose(list);
        optimizer.dispose();
      }
    });

    it("keeps the gradients of frozen variables out of the global norm", () => {
      const [all, one] = [named(), named().slice(1)];
      const [optimizer, alone] = [make({ globalClipnorm: 0.1 }), make({ globalClipnorm: 0.1 })];
      optimizer.override({ names: ["v0"] }, { trainable: false });
      for (let step = 0; step < 3; step++) {
        const gradients = gradientsOf(all, step);
        optimizer.applyGradients(gradients);
        alone.applyGradients({ [one[0]!.name]: gradients[all[1]!.name]! });
        tf.dispose(gradients);
      }
      expect(valueBits(all[1]!)).toEqual(valueBits(one[0]!));
      tf.dispose([all, one]);
      optimizer.dispose();
      alone.dispose();
    });

    it("is about variables that come later, and goes into the core", async () => {
      const list = named();
      const optimizer = make({ momentum: 0.9 });
      optimizer.override({ variables: [list[1]!], optional: true }, { learningRateMultiplier: 0.1 });
      optimizer.override({ names: ["v0"] }, { trainable: false });
      for (const each of list) {
        const gradients = gradientsOf(list, 1);
        optimizer.applyGradients({ [each.name]: gradients[each.name]! });
        tf.dispose(gradients);
      }
      expect(valueBits(list[0]!)).toEqual(bits(start(0)));
      const core = await optimizer.toCore();
      expect(core.trainableVariables.map((variable) => core.overridesOf(variable))).toEqual([
        { learningRateMultiplier: 1, weightDecay: null, trainable: false },
        { learningRateMultiplier: 0.1, weightDecay: null, trainable: true },
      ]);
      expect(Object.values(inspect(save(core)).overrides)).toEqual([
        { trainable: false },
        { learningRateMultiplier: 0.1 },
      ]);
      tf.dispose(list);
      optimizer.dispose();
    });

    it("gives each variable the last word on each option, whenever the calls come", async () => {
      for (let seed = 0; seed < 8; seed++) {
        const draws = noise(300, seed).values();
        const draw = (count: number) => Math.floor((((draws.next().value ?? 0) % 1) + 1) * 1e6) % count;
        const list = [...named(), ...named()];
        const optimizer = make({ weightDecay: 0.1 });
        const given: { isAbout(i: number): boolean; options: VariableOverrides }[] = [];
        const call = () => {
          const [mask, name] = [draw(16), draw(3)];
          const options = [
            { learningRateMultiplier: [0.5, 2, null][draw(3)]! },
            { weightDecay: [0.3, false as const, null][draw(3)]! },
            { trainable: draw(2) === 0 ? null : false, learningRateMultiplier: 3 },
          ][draw(3)]!;
          // The variables in the mask, or those whose name has it.
          const isAbout = (i: number) => (name === 2 ? (mask >> i) % 2 === 1 : i % 2 === name);
          const variables = list.filter((_, i) => isAbout(i));
          optimizer.override({ ...(name === 2 ? { variables } : { names: [`/v${name}_`] }), optional: true }, options);
          given.push({ isAbout, options });
        };
        const check = async (met: number) => {
          const core = await optimizer.toCore();
          const found = new Map(core.trainableVariables.map((each) => [each.name, core.overridesOf(each)]));
          const none: VariableOverrides = { learningRateMultiplier: 1, weightDecay: null, trainable: true };
          for (const [i, { name }] of list.slice(0, met).entries()) {
            const own = given.filter(({ isAbout }) => isAbout(i)).flatMap(({ options }) => Object.entries(options));
            const last = Object.entries(Object.fromEntries(own)).filter(([, value]) => value !== null);
            expect(found.get(name), name).toEqual({ ...none, ...Object.fromEntries(last) });
          }
        };
        const gradients = list.map((each) => tf.tidy(() => tf.onesLike(each)));
        const step = (from: number, to: number) =>
          optimizer.applyGradients(list.slice(from, to).map(({ name }, i) => ({ name, tensor: gradients[from + i]! })));
        for (let i = 0; i < 5; i++) call();
        step(0, 2);
        await check(2);
        for (let i = 0; i < 5; i++) call();
        await check(2);
        step(1, 4);
        await check(4);
        for (let i = 0; i < 5; i++) call();
        await check(4);
        tf.dispose([list, gradients]);
        optimizer.dispose();
      }
    });

    it.each([{}, { lossScale: {} }, { lossScale: {}, learningRate: { at: () => 0.1 } }])(
      "keeps nothing of overrides that are over: %o",
      (options) => {
        const list = named();
        const optimizer = make(options);
        const gradients = gradientsOf(list, 0);
        const counts = Array.from({ length: 10 }, (_, i) => {
          const own = 1 / (i + 2);
          optimizer.override({ names: ["v0"] }, { learningRateMultiplier: own, weightDecay: own });
          optimizer.applyGradients(gradients);
          return tf.memory().numTensors;
        });
        expect(counts.slice(2)).toEqual(counts.slice(2).map(() => counts[2]));
        tf.dispose([list, gradients]);
        optimizer.dispose();
      },
    );

    it("says in the first step what matches nothing, and then at once; nothing has changed", () => {
      const list = named();
      const optimizer = make({});
      optimizer.override({ names: ["gamma"] }, { trainable: false });
      const gradients = gradientsOf(list, 0);
      const before = list.map(valueBits);
      expect(() => optimizer.applyGradients(gradients)).toThrow(
        /`names\[0\]` \(\/gamma\/\) matches no variable's name/,
      );
      expect([list.map(valueBits), optimizer.iterations]).toEqual([before, 0]);
      optimizer.override({ names: ["gamma"], optional: true }, { trainable: false });
      optimizer.applyGradients(gradients);
      expect(optimizer.iterations).toBe(1);
      expect(() => optimizer.override({ names: ["beta"] }, { trainable: false })).toThrow(RangeError);
      expect(() => optimizer.override({ variables: [1 as never] }, {})).toThrow(
        /`variables\[0\]` must be a tf\.Variable/,
      );
      optimizer.excludeFromWeightDecay({ paths: ["v0"] });
      tf.dispose([list, gradients]);
      optimizer.dispose();
      expect(() => optimizer.override({}, {})).toThrow();
    });
  });

  it("under a loss scale, frozen variables do not count, and what comes of it goes into the core", async () => {
    for (const resident of [undefined, true, "composed"] as const) {
      const list = named();
      const optimizer = rmsprop(tf, { lossScale: { initialScale: 4 }, resident } as { resident: true });
      optimizer.override({ names: ["v0"] }, { trainable: false });
      const gradients = gradientsOf(list, 0);
      const infinite = tf.tidy(() => tf.mul(gradients[list[0]!.name]!, Number.POSITIVE_INFINITY));
      optimizer.applyGradients({ ...gradients, [list[0]!.name]: infinite });
      expect([valueBits(list[0]!), optimizer.iterations, optimizer.lossScale]).toEqual([bits(start(0)), 1, 4]);
      const core = await optimizer.toCore();
      expect(core.overridesOf(core.trainableVariables[0]!).trainable).toBe(false);
      optimizer.override({ names: ["v0"] }, { trainable: null });
      const before = list.map(valueBits);
      optimizer.applyGradients({ ...gradients, [list[0]!.name]: infinite });
      expect([list.map(valueBits), optimizer.lossScale]).toEqual([before, 2]);
      tf.dispose([list, gradients, infinite]);
      optimizer.dispose();
    }
  });
});

describe.each(["wasm", "cpu"] as const)("jax-js on %s", (device) => {
  beforeAll(() => {
    defaultDevice(device);
  });

  type Params = { dense: { kernel: np.Array; bias: np.Array }; rest: np.Array[] };
  const PATHS = ["dense/kernel", "dense/bias", "rest/0"];
  const numbers = (seed: number) => PATHS.map((_, i) => noise(5 + i, 10 * seed + i));
  const params = (arrays: readonly Float32Array[]): Params => {
    const [kernel, bias, rest] = arrays.map((array) => np.array(array));
    return { dense: { kernel: kernel!, bias: bias! }, rest: [rest!] };
  };
  const valuesOf = (of: Params) => tree.leaves<np.Array>(of as JsTree<np.Array>).map((leaf) => leaf.ref.dataSync());
  const added = (to: Params, updates: Params): Params =>
    tree.map((p: np.Array, u: np.Array) => p.add(u), to, updates) as unknown as Params;

  /** The core over the same, and what it gives. */
  function core(options: RMSpropOptions, overrides: VariableOverrides) {
    const list = numbers(0).map((values, i) => {
      return new Variable(values, { path: PATHS[i]!, name: PATHS[i]!.split("/").at(-1)! });
    });
    const optimizer = new RMSprop(options);
    optimizer.override({ paths: ["^dense/"], names: ["bias"] }, overrides);
    return (step: number) => {
      optimizer.apply(numbers(step + 1), list);
      return list.map(({ value }) => value);
    };
  }

  it("searches a pattern in the leaves' names once, not in each update", () => {
    for (const resident of [false, true]) {
      const solver = jax.rmsprop({ learningRate: 1, resident } as { resident: true });
      const update = () => {
        const w = params(numbers(1));
        const [updates, next] = solver.update(params(numbers(2)), solver.init(w));
        tree.dispose(next);
        return valuesOf(updates).map(([first]) => first !== 0);
      };
      const pattern = new Counting("bias");
      solver.override({ names: [pattern] }, { trainable: false });
      const counts = [1, 2, 3].map(() => {
        expect(update()).toEqual([true, false, true]);
        return pattern.searches;
      });
      expect(counts).toEqual(counts.map(() => counts[0]));
      solver.override({ names: ["bias"] }, { trainable: true });
      expect(update()).toEqual([true, true, true]);
      const other = { bias: np.array([1]) };
      const [updates] = solver.update({ bias: np.array([1]) }, solver.init(other));
      expect(updates.bias.dataSync()[0]).not.toBe(0);
      solver.free();
    }
  });

  it.each([{ learningRateMultiplier: 0.1 }, { weightDecay: false }, { trainable: false }] as VariableOverrides[])(
    "has the core's bits: %o",
    (overrides) => {
      const options = { learningRate: 0.05, momentum: 0.9, globalClipnorm: 0.5 };
      const solver = jax.rmsprop(options);
      solver.override({ paths: ["^dense/"], names: ["bias"] }, overrides);
      let w = params(numbers(0));
      let state = solver.init(tree.ref(w as JsTree<np.Array>) as Params);
      const wanted = core(options, overrides);
      for (let step = 0; step < 5; step++) {
        const [updates, next] = solver.update(params(numbers(step + 1)), state);
        [w, state] = [added(w, updates), next];
        expect(valuesOf(w).map((each) => bits(each as Float32Array))).toEqual(wanted(step).map((each) => bits(each)));
      }
      solver.override({ paths: ["^dense/"] }, { learningRateMultiplier: null, trainable: null });
      solver.free();
      tree.dispose([w, state] as JsTree<np.Array>);
    },
  );

  it.each([
    { learningRateMultiplier: 0.1, weightDecay: 0.3 },
    { learningRateMultiplier: 0.3, weightDecay: false },
    { trainable: false },
  ] as VariableOverrides[])("resident: comes where the core comes, eager and compiled: %o", (overrides) => {
    const options = { learningRate: 0.05, momentum: 0.9, weightDecay: 0.1, useEma: true, emaOverwriteFrequency: 2 };
    for (const compiles of [false, true]) {
      const solver = jax.rmsprop({ ...options, resident: true });
      solver.override({ paths: ["^dense/"], names: ["bias"] }, overrides);
      const eager = (updates: Params, state: JsTree<np.Array>, w: Params) => {
        const [made, next] = solver.update(updates, state, tree.ref(w as JsTree<np.Array>) as Params);
        return [added(w, made), next] as [Params, JsTree<np.Array>];
      };
      const each = compiles ? (jit(eager as never) as unknown as typeof eager) : eager;
      let w = params(numbers(0));
      let state = solver.init(tree.ref(w as JsTree<np.Array>) as Params);
      const wanted = core(options, overrides);
      for (let step = 0; step < 5; step++) {
        [w, state] = each(params(numbers(step + 1)), state, w);
        const expected = wanted(step);
        valuesOf(w).forEach((values, i) => {
          for (const [k, value] of values.entries()) expect(Math.abs(value - expected[i]![k]!)).toBeLessThan(1e-6);
        });
      }
      if (overrides.trainable === false) expect(bits(valuesOf(w)[0] as Float32Array)).toEqual(bits(numbers(0)[0]!));
      tree.dispose([w, state] as JsTree<np.Array>);
    }
  });

  it("refuses what matches no leaf, variables, and without `resident` a number as weightDecay", () => {
    for (const resident of [false, true]) {
      const solver = jax.rmsprop({ resident } as { resident: false });
      solver.override({ names: ["gamma"] }, { trainable: false });
      const given = params(numbers(0));
      const state = solver.init(tree.ref(given as JsTree<np.Array>) as Params);
      expect(() => solver.update(given, state)).toThrow(
        /`names\[0\]` \(\/gamma\/\) matches no variable's name: "kernel", "bias", "0"/,
      );
      // Nothing was taken over.
      solver.override({ names: ["gamma"], optional: true }, { trainable: null });
      tree.dispose(solver.update(given, state) as JsTree<np.Array>[]);
      expect(() => solver.override({ variables: [1] } as never, {})).toThrow(/`variables` must be left out/);
      if (!resident) expect(() => solver.override({ names: ["bias"] }, { weightDecay: 0.1 })).toThrow(RangeError);
      solver.free();
    }
  });
});
