// The ways to a step: step, apply, applyGradients, minimize. Same bits; counters; what they return.
import { LossScaleOptimizer, RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

const CONFIGURATIONS: RMSpropOptions[] = [
  {},
  { momentum: 0.9, centered: true, globalClipnorm: 1 },
  { useEma: true, emaOverwriteFrequency: 2, clipnorm: 0.5, weightDecay: 0.01 },
  { gradientAccumulationSteps: 3, clipvalue: 0.2, lossScaleFactor: 4 },
];

onBothBackends((runtime) => {
  const variables = () => [
    new Variable(noise(13, 1), { name: "a", runtime }),
    new Variable(2, { name: "b", runtime }),
    new Variable([], { name: "c", runtime }),
  ];
  const gradients = (step: number) => [noise(13, step + 5), noise(1, step + 6), new Float32Array(0)];

  it.each(CONFIGURATIONS)("all ways give the same bits: %o", (options) => {
    type Way = (optimizer: RMSprop, over: Variable[], step: number) => void;
    const fill = (over: readonly Variable[], step: number) => {
      for (const [i, gradient] of gradients(step).entries()) over[i]!.gradient.set(gradient);
    };
    const ways: Way[] = [
      (optimizer, over, step) => {
        optimizer.build(over);
        fill(over, step);
        optimizer.step();
      },
      (optimizer, over, step) => optimizer.apply(gradients(step), over),
      (optimizer, over, step) => {
        optimizer.build(over);
        optimizer.apply(gradients(step));
      },
      (optimizer, over, step) => {
        optimizer.applyGradients(gradients(step).map((gradient, i) => [gradient, over[i]!]));
      },
      (optimizer, over, step) => {
        optimizer.applyGradients(new Map(gradients(step).map((gradient, i) => [gradient, over[i]!])));
      },
      (optimizer, over, step) => {
        optimizer.minimize(() => {
          fill(over, step);
          return 0;
        }, over);
      },
      (optimizer, over, step) =>
        optimizer.apply(
          gradients(step).map((gradient) => Array.from(gradient)),
          over,
        ),
      (optimizer, over, step) =>
        optimizer.apply(
          gradients(step).map((gradient) => Float64Array.from(gradient)),
          over,
        ),
    ];
    const states = ways.map((way) => {
      const over = variables();
      const optimizer = new RMSprop({ ...options, name: "same" });
      for (let step = 0; step < 7; step++) way(optimizer, over, step);
      return stateOf(optimizer, over);
    });
    for (const state of states) expect(state).toEqual(states[0]);
  });

  it("rounds gradients to float32, whatever kind of array they come in", () => {
    const kinds = [[0.1, 300, -7.7], new Float64Array([0.1, 300, -7.7]), new Int16Array([5, 300, -7])];
    const more = [new Uint8ClampedArray([5, 255, 0]), { length: 3, 0: 0.1, 1: 300, 2: -7.7 }, new Int32Array(3)];
    for (const kind of [...kinds, ...more]) {
      const w = new Variable([1, 2, 3], { runtime });
      new RMSprop().apply([kind], [w]);
      expect(bits(w.gradient)).toEqual(bits(Float32Array.from(kind)));
    }
  });

  it("never writes to gradients", () => {
    const w = new Variable(noise(30), { runtime });
    const optimizer = new RMSprop({ clipnorm: 0.1, lossScaleFactor: 3, gradientAccumulationSteps: 2 });
    optimizer.build([w]);
    w.gradient.set(noise(30, 4));
    for (let step = 0; step < 4; step++) optimizer.step();
    expect(bits(w.gradient)).toEqual(bits(noise(30, 4)));
  });

  it("copies gradients that are views on each other's variables before it writes any", () => {
    const [a, b] = [new Variable([1, 2], { runtime }), new Variable([3, 4], { runtime })];
    a.gradient.set([5, 6]);
    b.gradient.set([7, 8]);
    new RMSprop().apply([b.gradient, a.gradient], [a, b]);
    expect([...a.gradient, ...b.gradient]).toEqual([7, 8, 5, 6]);
    new RMSprop().apply([b.value, b.value], [a, b]);
    expect(bits(a.gradient)).toEqual(bits(b.gradient));
  });

  it("copies gradients that are views before the build moves memory", () => {
    const w = new Variable(noise(400_000), { runtime });
    w.gradient.set(noise(400_000, 2));
    const { gradient } = w;
    new RMSprop({ centered: true, momentum: 0.9, useEma: true }).apply([gradient], [w]);
    expect(bits(w.gradient)).toEqual(bits(noise(400_000, 2)));
  });

  it("counts calls and updates", () => {
    const w = new Variable(1, { runtime });
    const optimizer = new RMSprop({ gradientAccumulationSteps: 2 });
    expect([optimizer.built, optimizer.iterations, optimizer.rawIterations]).toEqual([false, 0, 0]);
    expect(optimizer.applyGradients([[[1], w]])).toBe(1);
    expect([optimizer.built, optimizer.iterations, optimizer.rawIterations]).toEqual([true, 0, 1]);
    expect(optimizer.applyGradients([[[1], w]])).toBe(2);
    expect(optimizer.applyGradients([[[1], w]])).toBe(3);
    expect([optimizer.iterations, optimizer.rawIterations]).toEqual([1, 3]);
  });

  it("apply returns the raw count of calls, which a skipped step and an empty list leave as it is", () => {
    const w = new Variable(1, { runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop({ gradientAccumulationSteps: 2 }));
    expect(optimizer.apply([])).toBe(0);
    expect(optimizer.apply([[1]], [w])).toBe(1);
    expect(optimizer.apply([[Number.NaN]])).toBe(1);
    expect([optimizer.apply([[1]]), optimizer.applyGradients([[[1], w]])]).toEqual([2, 3]);
    expect(optimizer.iterations).toBe(1);
  });

  it("minimize takes one variable as a list of one", () => {
    const results = [true, false].map((isList) => {
      const w = new Variable([1, 2], { runtime });
      const optimizer = new RMSprop();
      const loss = (given: readonly Variable[]) => {
        expect(given).toEqual([w]);
        w.gradient.fill(3);
        return 7;
      };
      const call = () =>
        isList
          ? optimizer.minimize(({ variables }) => loss(variables), [w])
          : optimizer.minimize(({ variables }) => loss(variables), w);
      return [call(), call(), ...bits(w.value)];
    });
    expect(results[0]).toEqual(results[1]);
    for (const wrong of [{}, 1, null])
      expect(() => new RMSprop().minimize(() => 0, wrong as never)).toThrow(
        /`variables` must be an array of variables;/,
      );
  });

  it("over no variables at all does nothing", () => {
    for (const optimizer of [new RMSprop(), new LossScaleOptimizer(new RMSprop())]) {
      optimizer.apply([], []);
      optimizer.build([]);
      optimizer.step();
      optimizer.apply([]);
      optimizer.apply([], []);
      expect(optimizer.rawIterations).toBe(0);
    }
  });

  it("builds once: a second build changes nothing, and one with other variables is an error", () => {
    const [a, b] = [new Variable(1, { runtime }), new Variable(2, { runtime })];
    const optimizer = new RMSprop();
    optimizer.apply([[1]], [a]);
    const before = stateOf(optimizer, [a, b]);
    optimizer.build([a]);
    expect(() => optimizer.build([b])).toThrow(/is not one of this optimizer's/);
    expect(() => optimizer.build([a, b])).toThrow(/is not one of this optimizer's/);
    expect(stateOf(optimizer, [a, b])).toEqual(before);
    expect(() => optimizer.apply([[1]], [b])).toThrow(/is not one of this optimizer's/);
  });

  it("zeroGradients works in the loss of the first minimize", () => {
    const w = new Variable([1, 2], { runtime });
    w.gradient.fill(7);
    const optimizer = new RMSprop();
    optimizer.minimize(() => {
      optimizer.zeroGradients();
      expect([...w.gradient]).toEqual([0, 0]);
      return 0;
    }, [w]);
    expect([...w.value]).toEqual([1, 2]);
  });

  it("zeroGradients sets all gradients to zero, and nothing else", () => {
    const over = variables();
    const optimizer = new RMSprop();
    optimizer.apply(gradients(1), over);
    const [values, own] = [over.map(({ value }) => bits(value)), optimizer.saveOwnVariables()];
    optimizer.zeroGradients();
    expect(over.flatMap(({ gradient }) => bits(gradient))).toEqual(new Array(14).fill("00000000"));
    expect(over.map(({ value }) => bits(value))).toEqual(values);
    expect(optimizer.saveOwnVariables()).toEqual(own);
  });

  describe("minimize", () => {
    it("hands out the loss scale and the variables, and returns the loss", () => {
      const [w] = [new Variable(3, { runtime })];
      for (const [optimizer, scale] of [
        [new RMSprop(), 1],
        [new RMSprop({ lossScaleFactor: 8 }), 8],
        [new LossScaleOptimizer(new RMSprop(), { initialScale: 16 }), 16],
      ] as const) {
        const loss = optimizer.minimize(
          ({ lossScale, variables: given }) => {
            expect(lossScale).toBe(scale);
            expect(given).toEqual([w]);
            w.gradient[0] = lossScale * w.value[0]!;
            return 42;
          },
          [w],
        );
        expect(loss).toBe(42);
      }
    });

    it("finds the least square", () => {
      const w = new Variable([3, -4], { runtime });
      const optimizer = new RMSprop({ learningRate: 0.01 });
      const loss = () =>
        optimizer.minimize(() => {
          w.gradient.set(w.value);
          return (w.value[0]! ** 2 + w.value[1]! ** 2) / 2;
        }, [w]);
      for (let step = 0; step < 600; step++) loss();
      expect(loss()).toBeLessThan(1e-3);
    });

    it("does not step if the loss throws or is no number; NaN is one", () => {
      const w = new Variable(3, { runtime });
      const optimizer = new RMSprop();
      const before = stateOf(optimizer, [w]);
      const broken = () => {
        throw new Error("broken loss");
      };
      expect(() => optimizer.minimize(broken, [w])).toThrow("broken loss");
      const error = errorOf(() => optimizer.minimize(() => "3" as unknown as number, [w]));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe('The loss must return a number; it returned "3".');
      expect(stateOf(optimizer, [w])).toEqual(before);
      expect(optimizer.minimize(() => Number.NaN, [w])).toBeNaN();
      expect(optimizer.rawIterations).toBe(1);
    });

    it("may step over other variables, and this optimizer, inside the loss", () => {
      const [a, b] = [new Variable(3, { runtime }), new Variable(3, { runtime })];
      const [outer, inner] = [new RMSprop(), new RMSprop()];
      outer.minimize(() => inner.minimize(() => 1, [b]), [a]);
      outer.minimize(() => outer.minimize(() => 1, [a]), [a]);
      expect([outer.rawIterations, inner.rawIterations]).toEqual([3, 1]);
    });

    it("steps over the variables it was given, even if the loss changes the list", () => {
      const [a, b] = [new Variable(3, { runtime }), new Variable(3, { runtime })];
      const list = [a];
      const optimizer = new RMSprop();
      optimizer.minimize(() => {
        list.push(b, b);
        a.gradient[0] = b.gradient[0] = 1;
        return 0;
      }, list);
      expect(a.value[0]).toBeLessThan(3);
      expect(b.value[0]).toBe(3);
      expect(() => optimizer.slot("velocity", b)).toThrow(/is not one of this optimizer's/);
    });
  });
});

describe("scaleLoss", () => {
  it("multiplies in float32 by the scale, if there is one", () => {
    expect(new RMSprop().scaleLoss(0.1)).toBe(0.1);
    expect(new RMSprop({ lossScaleFactor: 3 }).scaleLoss(0.1)).toBe(Math.fround(Math.fround(0.1) * 3));
    expect(new RMSprop({ lossScaleFactor: 0.1 }).scaleLoss(3)).toBe(Math.fround(3 * Math.fround(0.1)));
    expect(new LossScaleOptimizer(new RMSprop(), { initialScale: 1024 }).scaleLoss(2)).toBe(2048);
    expect(new LossScaleOptimizer(new RMSprop()).scaleLoss(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
