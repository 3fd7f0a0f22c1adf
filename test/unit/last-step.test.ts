// What `lastStep` says of a step, and that it costs nothing to have it.
import { LossScaleOptimizer, OutOfMemoryError, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends } from "./support.js";

/** √Σx², in float64. */
const norm = (...arrays: readonly ArrayLike<number>[]) =>
  Math.sqrt(arrays.flatMap((array) => Array.from(array)).reduce((sum, x) => sum + x * x, 0));

const near = (value: number | null | undefined, expected: number) => {
  expect(value).toBeTypeOf("number");
  expect(Math.abs(value! - expected)).toBeLessThanOrEqual(1e-5 * expected);
};

onBothBackends((runtime) => {
  const variable = (values: number | Float32Array, more = {}) => new Variable(values, { runtime, ...more });
  const pair = () => [variable(noise(300), { path: "a" }), variable(noise(5, 2), { path: "b" })] as const;

  it("measures no change where a number that is not finite has not changed", () => {
    const still = variable(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY), { name: "still" });
    const moved = variable(Float32Array.of(1), { name: "moved" });
    const optimizer = new RMSprop({ learningRate: 0.1, measure: { updateNorm: true } });
    optimizer.override({ names: ["still"] }, { trainable: false });
    optimizer.apply([[1, 1], [1]], [still, moved]);
    near(optimizer.lastStep!.updateNorm, 1 - moved.value[0]!);
  });

  it("knows no norm of a step that was skipped", () => {
    const w = variable(Float32Array.of(1, 2));
    const optimizer = new LossScaleOptimizer(new RMSprop({ clipnorm: 1 }), { measure: { gradientNorm: true } });
    optimizer.apply([[Number.NaN, 1]], [w]);
    expect(optimizer.lastStep).toMatchObject({
      outcome: "skipped",
      gradientNorm: null,
      updateNorm: null,
      clipFactor: 1,
    });
  });

  describe("a step", () => {
    it("says what it did, and before it there is nothing to say", () => {
      const [a, b] = pair();
      const optimizer = new RMSprop({ learningRate: 0.1 });
      expect(optimizer.lastStep).toBeNull();
      optimizer.build([a, b]);
      expect(optimizer.lastStep).toBeNull();
      optimizer.step();
      const { lastStep } = optimizer;
      expect(lastStep!.toJSON()).toEqual({
        outcome: "updated",
        learningRate: Math.fround(0.1),
        lossScale: 1,
        finite: true,
        gradientNorm: null,
        clipFactor: 1,
        updateNorm: null,
        firstNonFinite: null,
      });
      optimizer.learningRate = 0.25;
      expect(lastStep!.learningRate).toBe(Math.fround(0.1));
      optimizer.step();
      expect(optimizer.lastStep).toBe(lastStep);
      expect(lastStep!.learningRate).toBe(0.25);
      optimizer.free();
      expect(errorOf(() => optimizer.lastStep)).toBeInstanceOf(StateError);
      expect(errorOf(() => lastStep!.outcome)).toBeInstanceOf(StateError);
    });

    it("by apply, minimize and applyGradients", () => {
      const [a, b] = pair();
      const optimizer = new RMSprop({ learningRate: (step) => step + 1, measure: { gradientNorm: true } });
      optimizer.apply([noise(300), null], [a, b]);
      near(optimizer.lastStep!.gradientNorm, norm(noise(300)));
      expect(optimizer.lastStep!.learningRate).toBe(1);
      optimizer.applyGradients([[noise(5), b]]);
      near(optimizer.lastStep!.gradientNorm, norm(noise(5)));
      expect(optimizer.lastStep!.learningRate).toBe(2);
      optimizer.minimize(() => {
        a.gradient.fill(0);
        a.gradient[7] = 3;
        b.gradient.fill(0);
        b.gradient[1] = -4;
        return 1;
      }, [a, b]);
      expect(optimizer.lastStep!.gradientNorm).toBe(5);
      expect(optimizer.lastStep!.learningRate).toBe(3);
    });

    it("that only accumulates has no norms", () => {
      const [a, b] = pair();
      const optimizer = new RMSprop({
        gradientAccumulationSteps: 2,
        globalClipnorm: 0.5,
        lossScaleFactor: 8,
        measure: { updateNorm: true },
      });
      optimizer.build([a, b]);
      a.gradient.fill(8);
      optimizer.step();
      expect(optimizer.lastStep!.toJSON()).toMatchObject({
        outcome: "accumulated",
        gradientNorm: null,
        clipFactor: 1,
        updateNorm: null,
        lossScale: 8,
      });
      a.gradient.fill(24);
      const before = a.value.slice();
      optimizer.step();
      const { lastStep } = optimizer;
      expect(lastStep!.outcome).toBe("updated");
      // (1 + 3) / 2, 300 times
      near(lastStep!.gradientNorm, 2 * Math.sqrt(300));
      near(lastStep!.clipFactor, 0.5 / (2 * Math.sqrt(300)));
      near(lastStep!.updateNorm, norm(a.value.map((value, i) => value - before[i]!)));
      optimizer.step();
      expect(lastStep!.toJSON()).toMatchObject({
        outcome: "accumulated",
        gradientNorm: null,
        clipFactor: 1,
        updateNorm: null,
      });
    });

    it("clips by the smallest of several factors, by one, or by none", () => {
      const factor = (options: object, gradients = [[3, 4], [0.1]]) => {
        const variables = gradients.map((gradient) => variable(new Float32Array(gradient.length)));
        const optimizer = new RMSprop(options);
        optimizer.apply(gradients, variables);
        return optimizer.lastStep!.clipFactor;
      };
      expect(factor({ clipnorm: 1 })).toBe(Math.fround(0.2));
      expect(factor({ clipnorm: 10 })).toBe(1);
      expect(factor({ globalClipnorm: 1 }, [[3], [4]])).toBe(Math.fround(0.2));
      expect(factor({ globalClipnorm: 10 })).toBe(1);
      expect(factor({ clipvalue: 0.5 })).toBe(1);
      expect(factor({ clipnorm: 1 }, [[1], [Number.NaN], [2]])).toBeNaN();
    });
  });

  describe("measure", () => {
    it("can be an option and a property, and changes no bit of a step", () => {
      const run = (options: object) => {
        const [a, b] = pair();
        const optimizer = new RMSprop({ momentum: 0.9, ...options });
        for (let step = 0; step < 4; step++) {
          if (step === 2) optimizer.measure = { updateNorm: true };
          optimizer.apply([noise(300, step), noise(5, step + 9)], [a, b]);
        }
        const state = [a.value, b.value, optimizer.slot("velocity", a)!].map(bits);
        return { state, norms: optimizer.lastStep!.toJSON() };
      };
      const measured = run({ measure: { gradientNorm: true, updateNorm: true } });
      expect(measured.state).toEqual(run({}).state);
      expect(measured.norms.gradientNorm).toBeNull();
      expect(measured.norms.updateNorm).toBeGreaterThan(0);
    });

    it("is read back, refused if it is not one, and in no configuration", () => {
      const optimizer = new RMSprop({ measure: { gradientNorm: true } });
      expect(optimizer.measure).toEqual({ gradientNorm: true, updateNorm: false });
      expect(optimizer.getConfig()).not.toHaveProperty("measure");
      const error = errorOf(() => {
        optimizer.measure = { gradientNorm: 1 } as never;
      });
      expect(error.message).toBe("Argument `measure.gradientNorm` must be true or false; received 1.");
      expect(errorOf(() => new RMSprop({ measure: { norm: true } as never })).message).toContain('unknown key "norm"');
      expect(optimizer.measure.gradientNorm).toBe(true);
      const outer = new LossScaleOptimizer(optimizer, { measure: { updateNorm: true } });
      expect(outer.measure).toEqual({ gradientNorm: false, updateNorm: true });
      expect(optimizer.measure).toBe(outer.measure);
    });

    it("forgets a norm that is no longer measured", () => {
      const w = variable(1);
      const optimizer = new RMSprop({ measure: { gradientNorm: true, updateNorm: true } });
      optimizer.apply([[2]], [w]);
      expect(optimizer.lastStep!.gradientNorm).toBe(2);
      optimizer.measure = {};
      optimizer.step();
      expect(optimizer.lastStep!.toJSON()).toMatchObject({ gradientNorm: null, updateNorm: null });
    });

    it("of the update counts whatever changed the values", () => {
      const w = variable(noise(200), { constraint: (value: Float32Array) => void value.fill(7, 3, 4) });
      const u = variable(noise(40, 3));
      const optimizer = new RMSprop({
        learningRate: 0.01,
        weightDecay: 0.5,
        useEma: true,
        emaMomentum: 0.5,
        emaOverwriteFrequency: 2,
        measure: { updateNorm: true },
      });
      optimizer.build([w, u]);
      for (let step = 0; step < 4; step++) {
        const before = [w.value.slice(), u.value.slice()] as const;
        optimizer.apply([noise(200, step + 5)], [w]);
        const changes = [w, u].map(({ value }, k) => value.map((x, i) => x - before[k]![i]!));
        near(optimizer.lastStep!.updateNorm, norm(...changes));
      }
    });
  });

  describe("a gradient that is not finite", () => {
    it("is named after a skip, also when the gradients are gone", () => {
      const [a, b] = pair();
      const optimizer = new LossScaleOptimizer(new RMSprop({ measure: { gradientNorm: true } }), { initialScale: 4 });
      optimizer.apply([noise(300), noise(5)], [a, b]);
      expect(optimizer.lastStep!.toJSON()).toMatchObject({
        outcome: "updated",
        finite: true,
        firstNonFinite: null,
        lossScale: 4,
      });
      b.gradient[3] = Number.NEGATIVE_INFINITY;
      b.gradient[4] = Number.NaN;
      optimizer.step();
      b.gradient.fill(0);
      const { lastStep } = optimizer;
      const { outcome, finite, lossScale, clipFactor, updateNorm } = lastStep!;
      expect([outcome, finite, lossScale, clipFactor, updateNorm]).toEqual(["skipped", false, 4, 1, null]);
      expect(lastStep!.firstNonFinite).toEqual({ path: "b", index: 3 });
      expect(Number.isFinite(lastStep!.gradientNorm)).toBe(false);
      expect(optimizer.dynamicScale).toBe(2);
      // In the order of the call.
      const broken = noise(300).fill(Number.NaN, 299);
      optimizer.apply([[1, 2, Number.NaN, 4, 5], broken], [b, a]);
      expect(optimizer.lastStep!.firstNonFinite).toEqual({ path: "b", index: 2 });
      optimizer.apply([broken], [a]);
      expect(optimizer.lastStep!.firstNonFinite).toEqual({ path: "a", index: 299 });
      for (const { gradient } of [a, b]) gradient.fill(1);
      optimizer.step();
      expect(optimizer.lastStep!.toJSON()).toMatchObject({
        outcome: "updated",
        finite: true,
        firstNonFinite: null,
        lossScale: 0.5,
      });
    });

    it("is found without a loss scale while it is in memory", () => {
      const [a, b] = pair();
      const optimizer = new RMSprop();
      optimizer.apply([noise(300), [1, 2, 3, 4, Number.NaN]], [a, b]);
      expect(optimizer.lastStep!.toJSON()).toMatchObject({ outcome: "updated", finite: false });
      expect(optimizer.lastStep!.firstNonFinite).toEqual({ path: "b", index: 4 });
      // Only variables that the call had are looked at.
      optimizer.apply([noise(300)], [a]);
      expect(optimizer.lastStep!.finite).toBe(true);
      optimizer.measure = { gradientNorm: true };
      optimizer.apply([new Float32Array(300).fill(1e38)], [a]);
      expect(optimizer.lastStep!.toJSON()).toMatchObject({ gradientNorm: Number.POSITIVE_INFINITY, finite: true });
    });

    it("of 16 bits, or of a variable that is overwritten", () => {
      const half = variable(new Float32Array(3), { gradientDtype: "float16", path: "half" });
      const brain = variable(new Float32Array(3), { gradientDtype: "bfloat16", path: "brain" });
      const set = variable(new Float32Array(3), { overwriteWithGradient: true, path: "set" });
      const optimizer = new LossScaleOptimizer(new RMSprop({ globalClipnorm: 1 }));
      optimizer.build([half, brain, set]);
      const expectFirst = (path: string, index: number) => {
        optimizer.step();
        expect(optimizer.lastStep!.firstNonFinite).toEqual({ path, index });
      };
      set.gradient[1] = Number.POSITIVE_INFINITY;
      expectFirst("set", 1);
      brain.gradient.set([0x7f7f, 0x7f80, 0xffff]);
      expectFirst("brain", 1);
      half.gradient.set([0x7bff, 0x0000, 0xfc00]);
      expectFirst("half", 2);
      // A norm says nothing about variables that it is not of.
      const plain = new RMSprop({ measure: { gradientNorm: true } });
      plain.apply([[1], [Number.NaN, 0, 0]], [variable(1), set]);
      expect(plain.lastStep!.toJSON()).toMatchObject({ gradientNorm: 1, finite: false });
    });
  });

  describe("what is no step leaves it as it was", () => {
    it("a call that fails", () => {
      let fails = false;
      const w = variable(1, {
        constraint: () => {
          if (fails) throw new Error("No.");
        },
      });
      const optimizer = new RMSprop({
        gradientAccumulationSteps: 2,
        measure: { gradientNorm: true, updateNorm: true },
      });
      optimizer.apply([[1]], [w]);
      const before = optimizer.lastStep!.toJSON();
      expect(before.outcome).toBe("accumulated");
      fails = true;
      expect(errorOf(() => optimizer.apply([[2]], [w])).message).toBe("No.");
      expect(errorOf(() => optimizer.apply([[2, 3]], [w]))).toBeInstanceOf(RangeError);
      expect(optimizer.lastStep!.toJSON()).toEqual(before);
      fails = false;
      optimizer.apply([[3]], [w]);
      expect(optimizer.lastStep!.toJSON()).toMatchObject({ outcome: "updated", gradientNorm: 2 });
    });

    it("a plain step that fails after one that was not plain", () => {
      let fails = true;
      const w = variable(1, {
        constraint: () => {
          if (fails) throw new Error("No.");
        },
      });
      const optimizer = new LossScaleOptimizer(new RMSprop());
      optimizer.build([w]);
      w.gradient[0] = Number.NaN;
      optimizer.step();
      const { innerOptimizer } = optimizer;
      w.gradient[0] = 1;
      expect(errorOf(() => innerOptimizer.step()).message).toBe("No.");
      expect(optimizer.lastStep!.outcome).toBe("skipped");
      fails = false;
      innerOptimizer.step();
      expect(optimizer.lastStep!.toJSON()).toMatchObject({ outcome: "updated", lossScale: 1 });
    });

    it("an empty list, and variables that come and go", () => {
      const [a, b] = pair();
      const optimizer = new LossScaleOptimizer(new RMSprop({ measure: { gradientNorm: true, updateNorm: true } }));
      optimizer.apply([noise(300)], [a]);
      const before = optimizer.lastStep!.toJSON();
      optimizer.apply([], []);
      optimizer.add([b]);
      optimizer.remove([a]);
      expect(optimizer.lastStep!.toJSON()).toEqual(before);
      optimizer.apply([[0, 3, 0, 4, 0]]);
      expect(optimizer.lastStep!.gradientNorm).toBe(5 / 2 ** 15);
    });

    it("a measure that there is no room for", () => {
      const w = variable(1);
      const optimizer = new RMSprop();
      optimizer.build([w]);
      const { Float32Array: Real } = globalThis;
      globalThis.Float32Array = class {
        constructor() {
          throw new RangeError("Array buffer allocation failed");
        }
      } as never;
      try {
        const measure = () => {
          optimizer.measure = { updateNorm: true };
        };
        expect(errorOf(measure)).toBeInstanceOf(OutOfMemoryError);
      } finally {
        globalThis.Float32Array = Real;
      }
      expect(optimizer.measure).toEqual({ gradientNorm: false, updateNorm: false });
    });
  });
});
