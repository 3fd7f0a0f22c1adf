// RMSprop as a gradient transformation, in the real jax-js on both backends that run in Node.
import { defaultDevice, grad, type JsTree, jit, numpy as np, tree } from "@jax-js/jax";
import { ExponentialDecay, OutOfMemoryError, RMSprop, type RMSpropOptions, StateError, Variable } from "rmsprop-wasm";
import { type RMSpropJaxOptions, type RMSpropTransformation, rmsprop } from "rmsprop-wasm/jax";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { bits, errorOf, limited, noise, room } from "../unit/support.js";

/** As @jax-js/optax declares and defines them: it is not in every registry. */
interface GradientTransformation {
  init<Params extends JsTree<np.Array>>(params: Params): JsTree<np.Array>;
  update<Params extends JsTree<np.Array>>(
    updates: Params,
    state: JsTree<np.Array>,
    params?: Params,
  ): [Params, JsTree<np.Array>];
}
const applyUpdates = <Params extends JsTree<np.Array>>(params: Params, updates: Params): Params =>
  tree.map((p: np.Array, u: np.Array) => p.add(u), params, updates) as Params;

const optax: {
  chain(...transforms: GradientTransformation[]): GradientTransformation;
  clipByGlobalNorm(norm: number): GradientTransformation;
  scale(by: number): GradientTransformation;
  addDecayedWeights(options: { weightDecay: number | ((step: number) => number) }): GradientTransformation;
  applyUpdates: typeof applyUpdates;
} | null = await import("@jax-js/optax" as string).catch(() => null);

const OPTIONS: Readonly<Record<string, RMSpropJaxOptions>> = {
  defaults: {},
  momentum: { learningRate: 0.01, momentum: 0.9 },
  centered: { learningRate: 0.01, centered: true },
  "momentum, centered": { learningRate: 0.01, rho: 0.8, momentum: 0.5, centered: true, epsilon: 1e-5 },
  clipnorm: { clipnorm: 0.5 },
  clipvalue: { clipvalue: 0.01 },
  globalClipnorm: { globalClipnorm: 0.3, momentum: 0.1 },
  lossScaleFactor: { lossScaleFactor: 1024 },
  gradientAccumulationSteps: { gradientAccumulationSteps: 3, learningRate: 0.1 },
  schedule: { learningRate: new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5 }) },
  callback: { learningRate: (step) => 0.1 / (step + 1) },
};

/** A tree of one matrix, one vector, one scalar and nothing. */
type Params = { dense: { kernel: np.Array; bias: np.Array }; rest: np.Array[] };
const SHAPES = [[3, 7], [5], [], [0]] as const;
const sizes = SHAPES.map((shape) => shape.reduce<number>((a, b) => a * b, 1));

/** Values with zeros of both signs among them, and small and large ones. */
const numbers = (seed: number): Float32Array[] =>
  sizes.map((size, i) =>
    noise(size, 10 * seed + i).map((value, k) => (k % 5 === 4 ? (k % 2 ? -0 : 0) : value * 10 ** ((k % 7) - 4))),
  );

function params(arrays: readonly Float32Array[]): Params {
  const [kernel, bias, scalar] = arrays.slice(0, 3).map((array, i) => np.array(array, { shape: [...SHAPES[i]!] }));
  return { dense: { kernel: kernel!, bias: bias! }, rest: [scalar!, np.zeros([0])] };
}

const bitsOf = (of: JsTree<np.Array>) =>
  tree.leaves<np.Array>(of).map((leaf) => bits(leaf.ref.dataSync() as Float32Array));

/** What the core makes of the same gradients. */
function trajectory(options: RMSpropOptions, steps: number): string[][][] {
  const variables = numbers(0).map((values) => new Variable(values));
  const optimizer = new RMSprop(options);
  return Array.from({ length: steps }, (_, step) => {
    optimizer.apply(numbers(step + 1), variables);
    return variables.map(({ value }) => bits(value));
  });
}

const freed = /freed, please use .ref/;

describe.each(["wasm", "cpu"] as const)("%s", (device) => {
  beforeAll(() => {
    defaultDevice(device);
  });

  it("takes 10 to 9.683772, with the gradient of jax-js", () => {
    let w = np.array(10);
    const solver = rmsprop({ learningRate: 0.1 });
    const loss = (x: np.Array) => np.square(x).div(2);
    const [updates, state] = solver.update(grad(loss)(w.ref), solver.init(w.ref), w.ref);
    w = applyUpdates(w, updates);
    expect(bitsOf(w)).toEqual([["411af0bb"]]);
    tree.dispose([w, state]);
  });

  it.each(Object.entries(OPTIONS))("applied to the parameters, its updates have the core's bits: %s", (_, options) => {
    let current = params(numbers(0));
    const solver = rmsprop(options);
    let state = solver.init(tree.ref(current));
    trajectory(options, 12).forEach((wanted, step) => {
      const [updates, next] = solver.update(params(numbers(step + 1)), state);
      state = next;
      current = applyUpdates(current, updates);
      expect(bitsOf(current)).toEqual(wanted);
    });
    tree.dispose([current.dense, ...current.rest, state] as JsTree<np.Array>[]);
  });

  it("takes over what it is given, and owns nothing of what it gives", () => {
    const solver = rmsprop({ momentum: 0.9 });
    const [given, gradients] = [params(numbers(0)), params(numbers(1))];
    const state = solver.init(tree.ref(given));
    expect(tree.leaves<np.Array>(given as JsTree<np.Array>).map(({ refCount }) => refCount)).toEqual([1, 1, 1, 1]);
    const [updates, next] = solver.update(gradients, state, given);
    for (const leaf of tree.leaves<np.Array>([gradients, state, given] as JsTree<np.Array>)) {
      expect(() => leaf.dispose()).toThrow(freed);
    }
    const made = tree.leaves<np.Array>([updates, next] as JsTree<np.Array>);
    expect(made.map(({ refCount }) => refCount)).toEqual(made.map(() => 1));
    expect(made.map((leaf) => leaf.device)).toEqual(made.map(() => device));
    tree.dispose([updates, next] as JsTree<np.Array>);
    solver.free();
  });

  it("says what the last update did", () => {
    const solver = rmsprop({ learningRate: 0.5, rho: 0, measure: { gradientNorm: true, updateNorm: true } });
    expect(solver.lastStep).toBeNull();
    const [updates, state] = solver.update(np.array([3, -4]), solver.init(np.array([1, 1])));
    expect(solver.lastStep!.toJSON()).toMatchObject({ outcome: "updated", learningRate: 0.5, gradientNorm: 5 });
    expect(solver.lastStep!.updateNorm).toBeCloseTo(0.5 * Math.SQRT2, 6);
    tree.dispose([updates, state] as JsTree<np.Array>[]);
    solver.free();
    const resident = rmsprop({ resident: true });
    expect(resident.lastStep).toBeNull();
    const measured = { resident: true, measure: { gradientNorm: true } } as never;
    expect(errorOf(() => rmsprop(measured)).message).toContain("Argument `measure` must be left out");
  });

  it("an old state can be gone back to, and one transformation can train two trees in turn", () => {
    const solver = rmsprop({ momentum: 0.9, learningRate: (step) => 0.1 / (step + 1) });
    const first = solver.init(np.array(noise(9)));
    const step = (size: number, state: JsTree<np.Array>) => solver.update(np.array(noise(size, 7)), state);
    const [a, second] = step(9, tree.ref(first));
    const [other] = step(4, solver.init(np.array(noise(4))));
    const [b] = step(9, first);
    expect(bitsOf(b)).toEqual(bitsOf(a));
    expect(bitsOf(step(9, second)[0])).not.toEqual(bitsOf(a));
    expect(bitsOf(other)).toHaveLength(1);
    solver.free();
    solver[Symbol.dispose]();
    const [c] = step(9, solver.init(np.array(noise(9))));
    expect(bitsOf(c)).toEqual(bitsOf(a));
  });
});

describe("errors", () => {
  it.each<[string, object, RegExp]>([
    [
      "weightDecay",
      { weightDecay: 0.1 },
      /`weightDecay` must be null; received 0\.1\..*-learningRate \* weightDecay.*minus sign/,
    ],
    ["decay", { decay: 0.9 }, /`decay` is not an option: ρ is `rho`/],
    ["useEma", { useEma: true }, /`useEma` must be false/],
    ["clipnorm", { clipnorm: 1, clipvalue: 1 }, /Only one of clipnorm/],
  ])("%s cannot be had", (_, options, rule) => {
    expect(() => rmsprop(options)).toThrow("decay" in options ? TypeError : RangeError);
    expect(() => rmsprop(options)).toThrow(rule);
  });

  const update = (solver: RMSpropTransformation, updates: JsTree<np.Array>, state: unknown) =>
    solver.update(updates, state as JsTree<np.Array>);

  it("nothing is taken over by a call that fails", () => {
    const solver = rmsprop();
    const w = np.array(noise(3));
    const state = solver.init(w.ref) as Record<string, np.Array>;
    const { count, velocity } = state as { count: np.Array; velocity: np.Array };
    const integers = np.array(Int32Array.of(1, 2, 3));
    const gone = np.array(noise(3));
    gone.dispose();
    for (const [action, type] of [
      [() => update(solver, integers, state), TypeError],
      [() => update(solver, [w] as JsTree<np.Array>, state), RangeError],
      [() => update(solver, w.ref.reshape([3, 1]), state), RangeError],
      [() => update(solver, w, { velocity }), TypeError],
      [() => update(solver, w, { count }), RangeError],
      [() => update(solver, w, [w]), TypeError],
      [() => update(solver, w, { velocity, count: np.array(-1) }), RangeError],
      [() => update(solver, w, { velocity, count: np.array(0.5) }), RangeError],
      [() => solver.update(w, state, gone), ReferenceError],
      [() => update(solver, w, { ...state, momentum: w }), TypeError],
      [() => solver.init(integers), TypeError],
    ] as const) {
      expect(errorOf(action)).toBeInstanceOf(type);
    }
    const throwing = rmsprop({
      learningRate: () => {
        throw new Error("on purpose");
      },
    });
    expect(() => throwing.update(w, state)).toThrow("on purpose");
    expect([w, integers, count, velocity].map(({ refCount }) => refCount)).toEqual([1, 1, 1, 1]);
    const [updates] = solver.update(w, state);
    expect(bitsOf(updates)[0]).toHaveLength(3);
  });

  it("nothing is taken over if one array is given twice with one reference", () => {
    const solver = rmsprop({ momentum: 0.9 });
    const w = np.array(noise(3));
    const state = solver.init(w.ref) as { count: np.Array; velocity: np.Array; momentum: np.Array };
    for (const action of [
      () => update(solver, w, { ...state, velocity: w }),
      () => update(solver, w, { ...state, momentum: state.velocity }),
      () => solver.update(w, state, w),
    ]) {
      const error = errorOf(action);
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(
        /^An array is given in 2 places with 1 references: give `array\.ref` in all but one/,
      );
      expect([w, ...Object.values(state)].map(({ refCount }) => refCount)).toEqual([1, 1, 1, 1]);
    }
    const [updates] = solver.update(w.ref, state, w);
    expect(bitsOf(updates)[0]).toHaveLength(3);
  });

  it("a learning rate cannot free the workspace, or step in it", () => {
    let act: () => void = () => {};
    const make = () =>
      rmsprop({
        learningRate: () => {
          act();
          return 0.1;
        },
      });
    const [solver, untouched] = [make(), make()];
    const [w, other] = [np.array(noise(3)), np.array(noise(4))];
    const state = solver.init(w.ref);
    const wanted = bitsOf(untouched.update(w.ref, tree.ref(state))[0]);
    const inner: (() => unknown)[] = [
      () => solver.free(),
      () => solver.update(np.array(noise(3, 5)), solver.init(w.ref)),
      () => solver.update(np.array(noise(4, 5)), solver.init(other.ref)),
    ];
    for (const action of inner) {
      const meddle = () => {
        act = () => {};
        expect(errorOf(action)).toBeInstanceOf(StateError);
      };
      act = meddle;
      expect(bitsOf(solver.update(w.ref, tree.ref(state))[0])).toEqual(wanted);
    }
  });

  it("no room: what was allocated is given back at once", () => {
    const restore = limited(2_000_000);
    try {
      const before = room();
      const solver = rmsprop();
      const large = () => [np.zeros([100_000]), np.zeros([400_000])];
      expect(errorOf(() => solver.update(large(), solver.init(large())))).toBeInstanceOf(OutOfMemoryError);
      expect(room()).toBe(before);
      // The variable fits, and its state does not.
      const some = () => np.zeros([800 * before]);
      expect(errorOf(() => solver.update(some(), solver.init(some()))).message).toMatch(/the state of an optimizer/);
      expect(room()).toBe(before);
    } finally {
      restore();
    }
  });

  it("what others put on Object.prototype is no option", () => {
    const polluted = Object.prototype as Record<string, unknown>;
    try {
      polluted["weightDecay"] = 0.1;
      expect(rmsprop()).toHaveProperty("init");
    } finally {
      delete polluted["weightDecay"];
    }
  });

  it("says that jit cannot trace it", () => {
    const solver = rmsprop();
    const state = solver.init(np.array([1, 2]));
    const step = jit((g: np.Array) => solver.update(g, tree.ref(state))[0]);
    expect(() => step(np.array([1, 2]))).toThrow(/outside of jit and grad/);
  });
});

it("is a GradientTransformation of @jax-js/optax", () => {
  expectTypeOf(rmsprop()).toExtend<GradientTransformation>();
  expectTypeOf(rmsprop()).toExtend<Disposable>();
  // @ts-expect-error the parameters are needed for it
  expect(() => rmsprop({ weightDecay: 0.1 })).toThrow(RangeError);
  // @ts-expect-error the new parameters are needed for it
  expect(() => rmsprop({ useEma: true })).toThrow(RangeError);
});

it("decays weights as Keras does by what its error says: chained behind, with a minus sign, here by hand", () => {
  const [rate, decay] = [0.01, 0.4];
  // What addDecayedWeights({ weightDecay }) does: it adds weightDecay times the parameters.
  const decayed = (updates: np.Array, params: np.Array) => updates.add(params.mul(-rate * decay));
  const solver = rmsprop({ learningRate: rate });
  let w = np.array(noise(5));
  let state = solver.init(w.ref);
  const core = new Variable(noise(5));
  const optimizer = new RMSprop({ learningRate: rate, weightDecay: decay });
  for (let step = 0; step < 50; step++) {
    const [updates, next] = solver.update(np.array(noise(5, step + 1)), state, w.ref);
    state = next;
    w = applyUpdates(w.ref, decayed(updates, w));
    optimizer.apply([noise(5, step + 1)], [core]);
    for (const [i, value] of [...w.ref.dataSync()].entries()) expect(value).toBeCloseTo(core.value[i]!, 5);
  }
  tree.dispose([w, state]);
});

describe.skipIf(optax === null)(
  `chained by @jax-js/optax${optax ? "" : " (skipped: it is not installed, and not every registry has it)"}`,
  () => {
    it("comes after other transformations, and before some", () => {
      const { chain, scale, applyUpdates } = optax!;
      const solver = chain(scale(0.5), rmsprop({ learningRate: 0.1 }), scale(1));
      let w = np.array(noise(5));
      let state = solver.init(w.ref);
      const core = new Variable(noise(5));
      const optimizer = new RMSprop({ learningRate: 0.1 });
      for (let step = 0; step < 10; step++) {
        let updates: np.Array;
        [updates, state] = solver.update(np.array(noise(5, step + 1)), state, w.ref);
        w = applyUpdates(w, updates);
        optimizer.apply([noise(5, step + 1).map((value) => value * 0.5)], [core]);
        expect(bitsOf(w)).toEqual([bits(core.value)]);
      }
    });

    it.each([
      ["a number", -0.1 * 0.4],
      ["a function of the step", () => -0.1 * 0.4],
    ])("decays weights, by %s", (_, weightDecay) => {
      const { addDecayedWeights, applyUpdates, chain } = optax!;
      const solver = chain(rmsprop({ learningRate: 0.1 }), addDecayedWeights({ weightDecay }));
      let w = np.array([1, -2]);
      let state = solver.init(w.ref);
      for (let step = 0; step < 3; step++) {
        let updates: np.Array;
        [updates, state] = solver.update(np.array([0, 0]), state, w.ref);
        w = applyUpdates(w, updates);
      }
      expect(w.dataSync()[0]).toBeCloseTo(0.96 ** 3, 6);
    });
  },
);
