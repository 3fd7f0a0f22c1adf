// Constraints: what they see, what they may do, and that a step whose constraint fails never happened.
import { LossScaleOptimizer, nonNeg, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

onBothBackends((runtime) => {
  it("edit the values in place at the end of each step, also of those that only accumulate", () => {
    const seen: number[][] = [];
    const constraint = (value: Float32Array) => {
      seen.push([...value]);
      value[0] = 5;
    };
    const w = new Variable([1, 2], { constraint, runtime });
    const optimizer = new RMSprop({ learningRate: 0.1, gradientAccumulationSteps: 2 });
    optimizer.apply([[1, 1]], [w]);
    expect(seen).toEqual([[1, 2]]);
    expect([...w.value]).toEqual([5, 2]);
    optimizer.apply([[1, 1]]);
    expect(seen.length).toBe(2);
    expect(seen[1]![0]).toBeLessThan(5);
    expect(w.value[0]).toBe(5);
  });

  it("get the variable's own view, and may return it", () => {
    let given: Float32Array | undefined;
    const constraint = (value: Float32Array) => {
      given = value;
      return value.fill(1);
    };
    const w = new Variable([1, 2], { constraint, runtime });
    new RMSprop().apply([[1, 1]], [w]);
    expect(given).toBe(w.value);
  });

  it("nonNeg sets what is negative, and -0, to 0, and leaves NaN", () => {
    const w = new Variable([-1, -0, 0, 2, Number.NaN, -1e-45], { constraint: nonNeg, runtime });
    new RMSprop({ learningRate: 0 }).apply([new Array(6).fill(0)], [w]);
    expect(bits(w.value).filter((_, i) => i !== 4)).toEqual(bits([0, 0, 0, 2, 0]));
    expect(w.value[4]).toBeNaN();
  });

  it("run once per variable that was updated, in the order of the call", () => {
    const calls: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => {
      const constraint = () => void calls.push(name);
      return new Variable([1], { name, constraint, runtime });
    }) as [Variable, Variable, Variable];
    const optimizer = new RMSprop();
    optimizer.build([a, b, c]);
    optimizer.step();
    optimizer.apply([[1], null, [1]]);
    optimizer.apply([[1], [1]], [c, b]);
    expect(calls.join("")).toBe("abcaccb");
  });

  it("do not run in steps that the loss scale skips", () => {
    let calls = 0;
    const w = new Variable([1], { constraint: () => void calls++, runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop());
    optimizer.apply([[Number.NaN]], [w]);
    expect(calls).toBe(0);
    optimizer.apply([[1]]);
    expect(calls).toBe(1);
  });

  describe("that fail", () => {
    /** What the constraint does from the moment it is armed. */
    type Act = (value: Float32Array) => unknown;
    const acts: [string, Act, new (message?: string) => Error, RegExp][] = [
      [
        "throw",
        (value) => {
          value.fill(99);
          throw new RangeError("on purpose");
        },
        RangeError,
        /^on purpose$/,
      ],
      ["return a copy", (value) => value.map(Math.abs), TypeError, /constraint of variable "b" must edit .* in place/],
      ["return a number", (value) => (value[0] = 1), TypeError, /must edit the values in place/],
      ["return a promise", async () => undefined, TypeError, /must edit the values in place/],
      ["return null", () => null, TypeError, /must edit the values in place/],
    ];

    describe.each(acts)("because they %s", (_, act, type, pattern) => {
      const settings = {
        momentum: 0.9,
        centered: true,
        useEma: true,
        emaOverwriteFrequency: 2,
        globalClipnorm: 1,
        weightDecay: 0.1,
        gradientAccumulationSteps: 2,
      } as const;

      function make(scaled: boolean) {
        let armed = false;
        const [a, b, c] = [
          new Variable(noise(70, 1), { name: "a", constraint: (value) => void value.fill(1), runtime }),
          new Variable(noise(5, 2), {
            name: "b",
            constraint: (value) => (armed ? act(value) : undefined) as undefined,
            runtime,
          }),
          new Variable(noise(3, 3), { name: "c", overwriteWithGradient: true, runtime }),
        ] as const;
        const inner = new RMSprop({ ...settings, name: "o" });
        const optimizer = scaled ? new LossScaleOptimizer(inner, { name: "s", dynamicGrowthSteps: 2 }) : inner;
        const gradients = (step: number) => [noise(70, step), noise(5, step), noise(3, step)];
        const arm = (value: boolean) => {
          armed = value;
        };
        return { variables: [a, b, c], optimizer, gradients, arm };
      }

      it.each([false, true])("every bit is as it was, whatever call it was, with loss scale: %s", (scaled) => {
        for (let steps = 1; steps <= 4; steps++) {
          const { variables, optimizer, gradients, arm } = make(scaled);
          for (let step = 0; step < steps; step++) optimizer.apply(gradients(step), variables);
          const before = stateOf(optimizer, variables);
          arm(true);
          for (const action of [
            () => optimizer.step(),
            () => optimizer.apply(gradients(9)),
            () => optimizer.apply([noise(5, 9), noise(70, 9)], [variables[1]!, variables[0]!]),
            () => optimizer.applyGradients([[noise(5, 9), variables[1]!]]),
            () => optimizer.minimize(() => 0, variables),
          ]) {
            const error = errorOf(action);
            expect(error).toBeInstanceOf(type);
            expect(error.message).toMatch(pattern);
            expect(stateOf(optimizer, variables)).toEqual(before);
          }
        }
      });

      it.each([false, true])("training goes on as if they had never run, with loss scale: %s", (scaled) => {
        const [disturbed, calm] = [make(scaled), make(scaled)];
        for (let step = 0; step < 6; step++) {
          disturbed.arm(true);
          expect(() => disturbed.optimizer.apply(disturbed.gradients(step + 50), disturbed.variables)).toThrow();
          disturbed.arm(false);
          disturbed.optimizer.apply(disturbed.gradients(step), disturbed.variables);
          calm.optimizer.apply(calm.gradients(step), calm.variables);
        }
        expect(stateOf(disturbed.optimizer, disturbed.variables)).toEqual(stateOf(calm.optimizer, calm.variables));
      });

      it.each([false, true])("an optimizer that was not built is not built, with loss scale: %s", (scaled) => {
        const { variables, optimizer, gradients, arm } = make(scaled);
        const before = stateOf(optimizer, variables);
        const { byteLength } = runtime;
        arm(true);
        for (let turn = 0; turn < 20; turn++) expect(() => optimizer.apply(gradients(1), variables)).toThrow(type);
        expect(stateOf(optimizer, variables)).toEqual(before);
        expect(runtime.byteLength - byteLength).toBeLessThanOrEqual(65536);
        arm(false);
        optimizer.apply(gradients(1), variables.slice(0, 2).concat(variables[2]!));
        expect(optimizer.rawIterations).toBe(1);
      });
    });
  });

  it("cannot step, build, allocate or free in the memory of a step that is not over", () => {
    const other = new Variable([1], { name: "other", runtime });
    const elsewhere = new RMSprop();
    elsewhere.build([other]);
    let act = (): unknown => undefined;
    const w = new Variable([1], { name: "w", constraint: () => void act(), runtime });
    const optimizer = new RMSprop();
    const scaled = new LossScaleOptimizer(new RMSprop());
    optimizer.apply([[1]], [w]);
    scaled.apply([[1]], [w]);
    const acts: Record<string, () => unknown> = {
      step: () => optimizer.step(),
      apply: () => optimizer.apply([[7]]),
      "step of another": () => elsewhere.step(),
      "apply of another": () => elsewhere.apply([[7]]),
      "apply that builds": () => new RMSprop().apply([[7]], [other]),
      minimize: () => optimizer.minimize(() => 1, [w]),
      build: () => new RMSprop().build([other]),
      "new Variable": () => new Variable(new Float32Array(1e6), { runtime }),
      "free a variable": () => w.free(),
      "free another variable": () => other.free(),
      "free the optimizer": () => optimizer.free(),
      "free another optimizer": () => elsewhere.free(),
    };
    for (const [name, forbidden] of Object.entries(acts)) {
      for (const outer of [optimizer, scaled]) {
        const before = [stateOf(outer, [w, other]), stateOf(elsewhere, [])];
        act = forbidden;
        const error = errorOf(() => outer.apply([[3]]));
        expect(error, name).toBeInstanceOf(StateError);
        expect(error.message, name).toMatch(/not possible inside a constraint or a learning-rate callback/);
        expect([stateOf(outer, [w, other]), stateOf(elsewhere, [])], name).toEqual(before);
      }
    }
    // A callback that handles the error itself does not stop the step.
    act = () => errorOf(() => optimizer.step());
    optimizer.apply([[3]]);
    expect(optimizer.rawIterations).toBe(2);
  });

  it("may read everything", () => {
    let seen: unknown;
    const optimizer = new RMSprop({ name: "o" });
    const constraint = () => {
      seen = [optimizer.learningRate, optimizer.getConfig().name, optimizer.slot("velocity", w)!.length];
    };
    const w = new Variable([1], { constraint, runtime });
    optimizer.apply([[1]], [w]);
    expect(seen).toEqual([Math.fround(0.001), "o", 1]);
  });

  it("of one runtime do not lock another", () => {
    const optimizer = new RMSprop();
    const elsewhere = new Variable([1]);
    const w = new Variable([1], { constraint: () => void optimizer.apply([[1]], [elsewhere]), runtime });
    new RMSprop().apply([[1]], [w]);
    expect(optimizer.iterations).toBe(1);
  });
});
