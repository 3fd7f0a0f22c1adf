// The user's learning rate in the middle of a call: it may read, throw and return nonsense, but not step, allocate or free.
// Whatever it does, a call that fails has changed nothing.
import { LossScaleOptimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { never } from "./errors/values.js";
import { errorOf, noise, onBothBackends, stateOf } from "./support.js";

onBothBackends((runtime) => {
  describe.each([false, true])("with loss scale: %s", (scaled) => {
    function make() {
      let act: (step: number) => unknown = () => 0.1;
      const [a, b] = [
        new Variable(noise(3, 1), { name: "a", runtime }),
        new Variable(noise(3, 2), { name: "b", runtime }),
      ] as const;
      const inner = new RMSprop({ learningRate: (step) => act(step) as number, momentum: 0.5 });
      const optimizer = scaled ? new LossScaleOptimizer(inner) : inner;
      const arm = (next: typeof act) => {
        act = next;
      };
      return { a, b, inner, optimizer, arm, variables: [a, b] };
    }
    type Training = ReturnType<typeof make>;

    const calls: [string, (training: Training) => unknown, boolean][] = [
      ["step", ({ optimizer }) => optimizer.step(), true],
      ["apply", ({ optimizer }) => optimizer.apply([noise(3, 8), noise(3, 9)]), true],
      ["apply some", ({ optimizer, b }) => optimizer.apply([noise(3, 8)], [b]), true],
      [
        "applyGradients",
        ({ optimizer, a, b }) =>
          optimizer.applyGradients([
            [noise(3, 8), b],
            [null, a],
          ]),
        true,
      ],
      ["minimize", ({ optimizer, variables }) => optimizer.minimize(() => 1, variables), true],
      ["the first apply", ({ optimizer, variables }) => optimizer.apply([noise(3, 8), noise(3, 9)], variables), false],
      ["the first minimize", ({ optimizer, variables }) => optimizer.minimize(() => 1, variables), false],
    ];

    const acts: [string, (training: Training) => unknown, new () => Error, RegExp][] = [
      ["throws", () => never(), EvalError, /^never$/],
      [
        "returns NaN",
        () => Number.NaN,
        RangeError,
        /`learningRate \(at step \d\)` must be finite in float32; received NaN/,
      ],
      ["returns Infinity", () => Number.POSITIVE_INFINITY, RangeError, /finite in float32; received Infinity/],
      ["returns 1e39", () => 1e39, RangeError, /finite in float32; received 1e\+39/],
      ["returns a string", () => "0.1", TypeError, /learning rate at step \d must be a number; received "0.1"/],
      ["returns nothing", () => undefined, TypeError, /learning rate at step \d must be a number; received undefined/],
      [
        "returns a promise",
        async () => 0.1,
        TypeError,
        /must be a number; received a Promise \(the function cannot be async: compute it first\)/,
      ],
      ["returns a bigint", () => 1n, TypeError, /must be a number; received 1n/],
      ["steps", ({ optimizer }) => optimizer.step(), StateError, /not possible inside|not built/],
      [
        "applies",
        ({ optimizer, variables }) => optimizer.apply([noise(3), noise(3)], variables),
        StateError,
        /not possible/,
      ],
      [
        "minimizes",
        ({ optimizer, variables }) => optimizer.minimize(() => 1, variables),
        StateError,
        /not possible inside/,
      ],
      ["asks for itself", ({ optimizer }) => optimizer.learningRate, StateError, /not possible inside/],
      ["frees a variable", ({ a }) => a.free(), StateError, /Variable.free\(\) is not possible inside/],
      ["allocates", () => new Variable(1, { runtime }), StateError, /A new variable is not possible inside/],
      ["builds another", ({ a }) => new RMSprop().build([a]), StateError, /A build is not possible inside/],
    ];

    describe.each(calls)("%s", (_, call, built) => {
      it.each(acts)("whose learning rate %s changes nothing", (_, act, type, message) => {
        const training = make();
        const { optimizer, variables } = training;
        if (built) for (let step = 0; step < 2; step++) optimizer.apply([noise(3, step), noise(3, step)], variables);
        const before = stateOf(optimizer, variables);
        training.arm(() => act(training));
        const error = errorOf(() => call(training));
        training.arm(() => 0.1);
        expect(error).toBeInstanceOf(type);
        expect(error.message).toMatch(message);
        expect(stateOf(optimizer, variables)).toEqual(before);
        call(training);
        expect(optimizer.rawIterations).toBe(built ? 3 : 1);
      });
    });

    it("frees an optimizer that is not built: then that is what it is, and no more", () => {
      const training = make();
      training.arm(() => {
        training.optimizer.free();
        return 0.1;
      });
      const error = errorOf(() => training.optimizer.apply([noise(3), noise(3)], training.variables));
      expect(error).toBeInstanceOf(StateError);
      expect(error.message).toMatch(/was freed/);
      expect(training.optimizer.built).toBe(false);
      expect([...training.a.gradient]).toEqual([0, 0, 0]);
    });

    it("frees a built optimizer: not while it steps", () => {
      const training = make();
      training.optimizer.build(training.variables);
      training.arm(() => training.optimizer.free());
      expect(errorOf(() => training.optimizer.step()).message).toMatch(/Optimizer.free\(\) is not possible inside/);
      training.arm(() => 0.1);
      training.optimizer.step();
      expect(training.optimizer.rawIterations).toBe(1);
    });

    it("takes a gradient's memory away: no gradient is copied", () => {
      const training = make();
      training.optimizer.build(training.variables);
      const before = stateOf(training.optimizer, training.variables);
      const [first, second] = [noise(3, 8), noise(3, 9)];
      training.arm(() => {
        structuredClone(second.buffer, { transfer: [second.buffer as ArrayBuffer] });
        return 0.1;
      });
      const error = errorOf(() => training.optimizer.apply([first, second]));
      expect(error).toBeInstanceOf(StateError);
      expect(error.message).toMatch(/gradient of variable "b" changed its length during the call/);
      training.arm(() => 0.1);
      expect(stateOf(training.optimizer, training.variables)).toEqual(before);
    });

    it("changes plain gradients, and the lists of the call: too late", () => {
      const [training, calm] = [make(), make()];
      const gradients: unknown[] = [[1, 2, 3], noise(3)];
      const list = [...training.variables];
      training.arm(() => {
        (gradients[0] as unknown[])[0] = "x";
        gradients.length = 0;
        list.reverse();
        return 0.1;
      });
      training.optimizer.apply(gradients as number[][], list);
      calm.optimizer.apply([[1, 2, 3], noise(3)], calm.variables);
      training.arm(() => 0.1);
      expect(training.variables.map(({ value }) => [...value])).toEqual(calm.variables.map(({ value }) => [...value]));
    });

    it("reads everything else", () => {
      const training = make();
      const { optimizer, a } = training;
      let seen: unknown;
      optimizer.apply([noise(3), noise(3)], training.variables);
      training.arm((step) => {
        seen = [
          step,
          optimizer.iterations,
          optimizer.slot("momentum", a)!.length,
          optimizer.scaleLoss(0),
          a.value.length,
        ];
        return 0.1;
      });
      optimizer.step();
      expect(seen).toEqual([1, 1, 3, 0, 3]);
    });
  });
});
