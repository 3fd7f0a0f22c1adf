// RMSprop as jax-js' own operations: eager and under `jit` it comes where the core comes, alone and in a whole training step.
import { defaultDevice, grad, type JsTree, jit, numpy as np, tree } from "@jax-js/jax";
import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  RMSprop,
  type RMSpropOptions,
  type Schedule,
  Variable,
} from "rmsprop-wasm";
import { type RMSpropResidentOptions, rmsprop } from "rmsprop-wasm/jax";
import { beforeAll, describe, expect, it } from "vitest";
import { bits, errorOf, noise } from "../unit/support.js";

const SCHEDULES: Readonly<Record<string, Schedule>> = {
  ExponentialDecay: new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 7, decayRate: 0.5 }),
  "ExponentialDecay, staircase": new ExponentialDecay({
    ...{ initialLearningRate: 0.1, decaySteps: 7, decayRate: 0.5 },
    staircase: true,
  }),
  InverseTimeDecay: new InverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5 }),
  PiecewiseConstantDecay: new PiecewiseConstantDecay({ boundaries: [5, 12, 20], values: [0.1, 0.05, 0.02, 0.001] }),
  PolynomialDecay: new PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 20, power: 2 }),
  "PolynomialDecay, cycle": new PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 9, power: 1.5, cycle: true }),
  CosineDecay: new CosineDecay({ initialLearningRate: 0.1, decaySteps: 30, alpha: 0.1 }),
  "CosineDecay, warm-up": new CosineDecay({
    ...{ initialLearningRate: 0.001, decaySteps: 20, warmupTarget: 0.1, warmupSteps: 6 },
  }),
  CosineDecayRestarts: new CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 6 }),
  "CosineDecayRestarts, equal": new CosineDecayRestarts({
    ...{ initialLearningRate: 0.1, firstDecaySteps: 6, tMul: 1, mMul: 0.5 },
  }),
};

type Options = Omit<RMSpropOptions, "learningRate"> & { learningRate?: number | Schedule };
const OPTIONS: Readonly<Record<string, Options>> = {
  defaults: {},
  momentum: { learningRate: 0.01, momentum: 0.9 },
  centered: { learningRate: 0.01, centered: true },
  "momentum, centered, clipvalue, lossScaleFactor": {
    ...{ learningRate: 0.01, momentum: 0.5, centered: true, clipvalue: 0.3, lossScaleFactor: 3.7 },
  },
  "epsilon outside, centered": { epsilonMode: "outside", centered: true, learningRate: 0.01 },
  "torch's momentum, decay": { momentumMode: "torch", momentum: 0.9, learningRate: 0.01, weightDecay: 0.1 },
  "coupled decay": { weightDecay: 0.1, weightDecayMode: "coupled", learningRate: 0.01, initialVelocity: 1 },
  "coupled decay of 0": { weightDecay: 0, weightDecayMode: "coupled" },
  "maximize, coupled decay, accumulation": {
    ...{
      maximize: true,
      weightDecay: 0.1,
      weightDecayMode: "coupled",
      gradientAccumulationSteps: 2,
      learningRate: 0.01,
    },
    ...{ lossScaleFactor: 4, momentum: 0.5 },
  },
  maximize: { maximize: true, globalClipnorm: 0.3, centered: true, learningRate: 0.01 },
  clipnorm: { clipnorm: 0.5 },
  globalClipnorm: { globalClipnorm: 0.3, momentum: 0.1 },
  accumulation: { gradientAccumulationSteps: 3, learningRate: 0.1, momentum: 0.5 },
  weightDecay: { weightDecay: 0.1, learningRate: 0.05 },
  average: { useEma: true, emaMomentum: 0.9 },
  "average, overwriting, accumulation": {
    ...{ useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 4, gradientAccumulationSteps: 2, weightDecay: 0.01 },
  },
  ...Object.fromEntries(
    Object.entries(SCHEDULES).map(([name, learningRate]) => [name, { learningRate, momentum: 0.5 }]),
  ),
};

/** A tree of one matrix, one vector and one scalar. */
type Params = { dense: { kernel: np.Array; bias: np.Array }; rest: np.Array[] };
const SHAPES = [[3, 7], [5], []] as const;
const sizes = SHAPES.map((shape) => shape.reduce<number>((a, b) => a * b, 1));
const numbers = (seed: number): Float32Array[] =>
  sizes.map((size, i) => noise(size, 10 * seed + i).map((value, k) => value * 10 ** ((k % 5) - 3)));
function params(arrays: readonly Float32Array[]): Params {
  const [kernel, bias, scalar] = arrays.map((array, i) => np.array(array, { shape: [...SHAPES[i]!] }));
  return { dense: { kernel: kernel!, bias: bias! }, rest: [scalar!] };
}
const applyUpdates = (to: Params, updates: Params): Params =>
  tree.map((p: np.Array, u: np.Array) => p.add(u), to, updates) as unknown as Params;
const valuesOf = (of: Params) => tree.leaves<np.Array>(of as JsTree<np.Array>).map((leaf) => leaf.ref.dataSync());

/** The largest difference, relative to max(1, |w|). */
function difference(actual: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): number {
  let most = 0;
  expected.forEach((array, i) => {
    for (let k = 0; k < array.length; k++) {
      const by = Math.abs(actual[i]![k]! - array[k]!) / Math.max(1, Math.abs(array[k]!));
      if (!(by <= most)) most = by;
    }
  });
  return most;
}

const STEPS = 25;

describe.each(["wasm", "cpu"] as const)("%s", (device) => {
  beforeAll(() => {
    defaultDevice(device);
  });

  it.each(Object.entries(OPTIONS))("comes where the core comes, eager and compiled: %s", (_, options) => {
    const solver = rmsprop({ ...options, resident: true } as RMSpropResidentOptions);
    const needsParams = "weightDecay" in options || "useEma" in options;
    const step = (updates: Params, state: JsTree<np.Array>, w: Params): [Params, JsTree<np.Array>] => {
      if (!needsParams)
        return [...solver.update(updates, state)].map((part, i) =>
          i === 0 ? applyUpdates(w, part as Params) : part,
        ) as [Params, JsTree<np.Array>];
      const [made, next] = solver.update(updates, state, tree.ref(w as JsTree<np.Array>) as Params);
      return [applyUpdates(w, made), next];
    };
    const compiled = jit(step as never) as unknown as typeof step;
    for (const each of [step, compiled]) {
      const list = numbers(0).map((values) => new Variable(values));
      const core = new RMSprop(options as RMSpropOptions);
      let w = params(numbers(0));
      let state = solver.init(tree.ref(w as JsTree<np.Array>) as Params);
      for (let k = 0; k < STEPS; k++) {
        [w, state] = each(params(numbers(k + 1)), state, w);
        core.apply(numbers(k + 1), list);
        expect(
          difference(
            valuesOf(w),
            list.map(({ value }) => value),
          ),
        ).toBeLessThan(1e-6);
      }
      tree.dispose([w, state] as JsTree<np.Array>);
      core.free();
    }
  });

  it("compiles a whole training step", () => {
    const solver = rmsprop({ learningRate: 0.1, resident: true });
    const loss = (w: np.Array) => np.square(w).div(2).sum();
    const step = jit((w: np.Array, state: JsTree<np.Array>) => {
      const [updates, next] = solver.update(grad(loss)(w.ref), state);
      return [w.add(updates), next];
    }) as unknown as (w: np.Array, state: JsTree<np.Array>) => [np.Array, JsTree<np.Array>];
    let w = np.array([10, -10]);
    let state = solver.init(w.ref);
    [w, state] = step(w, state);
    expect(w.ref.dataSync()[0]).toBeCloseTo(9.683772, 5);
    for (let k = 0; k < 200; k++) [w, state] = step(w, state);
    expect(Math.abs(w.ref.dataSync()[0]!)).toBeLessThan(0.2);
    tree.dispose([w, state] as JsTree<np.Array>);
  });

  it("composes with other transformations, as optax' chain does", () => {
    // What `scale(0.5)` of @jax-js/optax does before it.
    const solver = rmsprop({ learningRate: 0.1, resident: true });
    const scaled = jit(((g: np.Array, state: JsTree<np.Array>) =>
      solver.update(g.mul(0.5), state)) as never) as unknown as typeof solver.update;
    let w = np.array(noise(5));
    let state = solver.init(w.ref);
    const [core, optimizer] = [new Variable(noise(5)), new RMSprop({ learningRate: 0.1 })];
    for (let k = 0; k < 10; k++) {
      let updates: np.Array;
      [updates, state] = scaled(np.array(noise(5, k + 1)), state);
      w = w.add(updates);
      optimizer.apply([noise(5, k + 1).map((value) => value * 0.5)], [core]);
      expect(difference([w.ref.dataSync()], [core.value])).toBeLessThan(1e-6);
    }
    tree.dispose([w, state] as JsTree<np.Array>);
  });

  it("takes over what it is given, and owns nothing of what it gives", () => {
    const solver = rmsprop({ resident: true, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 });
    const [given, gradients] = [params(numbers(0)), params(numbers(1))];
    const state = solver.init(tree.ref(given as JsTree<np.Array>) as Params);
    const [updates, next] = solver.update(gradients, state, given);
    for (const leaf of tree.leaves<np.Array>([gradients, state, given] as JsTree<np.Array>)) {
      expect(() => leaf.dispose()).toThrow(/freed, please use .ref/);
    }
    const made = tree.leaves<np.Array>([updates, next] as JsTree<np.Array>);
    expect(made.map(({ refCount }) => refCount)).toEqual(made.map(() => 1));
    tree.dispose([updates, next] as JsTree<np.Array>);
  });

  it("takes a function of the count, which is an array", () => {
    const solver = rmsprop({ resident: true, learningRate: (step) => np.array(0.1).div(step.add(1)) });
    const core = new RMSprop({ learningRate: (step) => 0.1 / (step + 1) });
    const variable = new Variable(noise(4));
    let w = np.array(noise(4));
    let state = solver.init(w.ref);
    const update = jit(((g: np.Array, s: JsTree<np.Array>) =>
      solver.update(g, s)) as never) as unknown as typeof solver.update;
    for (let k = 0; k < 10; k++) {
      let updates: np.Array;
      [updates, state] = update(np.array(noise(4, k + 1)), state);
      w = w.add(updates);
      core.apply([noise(4, k + 1)], [variable]);
      expect(difference([w.ref.dataSync()], [variable.value])).toBeLessThan(1e-6);
    }
    tree.dispose([w, state] as JsTree<np.Array>);
  });

  describe.each([false, true])("null leaves, resident: %s", (resident) => {
    const make = (options: object) => rmsprop({ ...options, resident } as RMSpropResidentOptions);

    it("are parameters that are not trained", () => {
      const solver = make({ learningRate: 0.1 });
      const w = { a: np.array(noise(3)), b: null };
      const state = solver.init(w) as unknown as Record<string, { a: np.Array; b: null }>;
      expect(state["velocity"]!.b).toBeNull();
      const [updates, next] = solver.update({ a: np.array(noise(3, 1)), b: null }, state as never);
      expect([updates.b, (next as unknown as typeof state)["velocity"]!.b]).toEqual([null, null]);
      const [alone] = make({ learningRate: 0.1 }).update(np.array(noise(3, 1)), make({}).init(np.array(noise(3))));
      expect(bits(updates.a.dataSync() as Float32Array)).toEqual(bits((alone as np.Array).dataSync() as Float32Array));
    });

    it("are gradients that are missing: the parameter and its state stay, as with `apply`", () => {
      const options = { learningRate: 0.1, momentum: 0.9, gradientAccumulationSteps: 2 };
      const solver = make(options);
      const list = [0, 1].map((i) => new Variable(noise(3, i)));
      const core = new RMSprop(options);
      let w = [0, 1].map((i) => np.array(noise(3, i)));
      let state = solver.init(w.map(({ ref }) => ref));
      for (let k = 0; k < 8; k++) {
        const given = [0, 1].map((i) => (i === 1 && k % 3 === 1 ? null : noise(3, 10 * k + i)));
        let updates: (np.Array | null)[];
        [updates, state] = solver.update(given.map((g) => g && np.array(g)) as (np.Array | null)[], state);
        w = w.map((each, i) => each.add(updates[i] as np.Array));
        core.apply(given, list);
        const actual = w.map(({ ref }) => ref.dataSync());
        expect(
          difference(
            actual,
            list.map(({ value }) => value),
          ),
        ).toBeLessThan(resident ? 1e-6 : 1e-30);
      }
      tree.dispose([w, state] as JsTree<np.Array>);
    });
  });
});

describe("errors", () => {
  it("come before effects", () => {
    const solver = rmsprop({ resident: true, weightDecay: 0.1 });
    const w = np.array(noise(3));
    const state = solver.init(w.ref) as Record<string, np.Array>;
    const integers = np.array(Int32Array.of(1, 2, 3));
    for (const [action, type] of [
      [() => solver.update(w, state), TypeError],
      [() => solver.update(integers, state, w), TypeError],
      [() => solver.update([w], state, [w]), RangeError],
      [() => solver.update(w, state, [w] as never), RangeError],
      [() => solver.update(w, { velocity: state["velocity"]! }, w), TypeError],
      [() => solver.update(w, { ...state, momentum: w }, w), TypeError],
      [() => solver.init(integers), TypeError],
      [() => solver.init(5 as never), TypeError],
    ] as const) {
      expect(errorOf(action)).toBeInstanceOf(type);
    }
    expect([w, integers, ...Object.values(state)].map(({ refCount }) => refCount)).toEqual([1, 1, 1, 1]);
    tree.dispose([w, integers, state] as JsTree<np.Array>);
  });

  it("name what cannot be traced", () => {
    expect(() => rmsprop({ resident: true, learningRate: { at: () => 1 } })).toThrow(RangeError);
    expect(() => rmsprop({ resident: true, learningRate: { at: () => 1 } })).toThrow(/one of ExponentialDecay/);
    expect(() => rmsprop({ resident: 1 as never })).toThrow("Argument `resident` must be true or false; received 1.");
    expect(() => rmsprop({ resident: true, clipnorm: 1, clipvalue: 1 } as never)).toThrow(/Only one of clipnorm/);
  });
});
