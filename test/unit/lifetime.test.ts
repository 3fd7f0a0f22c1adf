// Lifetime: free, using, and use after free, which is a StateError everywhere and never a read of others' memory.
import { createRuntime, LossScaleOptimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { errorOf, noise, onBothBackends } from "./support.js";

function expectStateErrors(actions: Record<string, () => unknown>): void {
  for (const [name, action] of Object.entries(actions)) {
    const error = errorOf(action);
    expect(error, name).toBeInstanceOf(StateError);
    expect(error.message, name).toMatch(/was freed/);
  }
}

onBothBackends((runtime) => {
  it("every use of a freed variable is a StateError that names it", () => {
    const w = new Variable([1, 2], { name: "w", path: "dense/w", runtime });
    w.free();
    expect(w.freed).toBe(true);
    expectStateErrors({
      value: () => w.value,
      "value =": () => {
        w.value = [3, 4];
      },
      gradient: () => w.gradient,
      assign: () => w.assign([3, 4]),
      build: () => new RMSprop().build([w]),
      apply: () => new RMSprop().apply([[1, 1]], [w]),
      applyGradients: () => new RMSprop().applyGradients([[[1, 1], w]]),
      minimize: () => new RMSprop().minimize(() => 0, [w]),
      excludeFromWeightDecay: () => new RMSprop().excludeFromWeightDecay({ variables: [w] }),
    });
    expect(errorOf(() => w.value).message).toContain('"dense/w"');
    expect([w.name, w.path, w.shape, w.size]).toEqual(["w", "dense/w", [2], 2]);
  });

  it("freeing twice is freeing once", () => {
    const w = new Variable([1, 2], { runtime });
    const optimizer = new RMSprop();
    optimizer.build([w]);
    const scaled = new LossScaleOptimizer(new RMSprop());
    scaled.build([w]);
    for (const object of [w, optimizer, scaled]) {
      object.free();
      object.free();
    }
    const other = new Variable([3, 4], { runtime });
    w.free();
    expect([...other.value]).toEqual([3, 4]);
  });

  it("an optimizer does not step over a freed variable, whichever it is", () => {
    const make = () => {
      const variables = ["a", "b"].map((name) => new Variable([1, 2], { name, runtime })) as [Variable, Variable];
      const plain = new RMSprop({ useEma: true });
      const scaled = new LossScaleOptimizer(new RMSprop({ useEma: true }));
      plain.build(variables);
      scaled.build(variables);
      return { variables, optimizers: [plain, scaled] };
    };
    for (const which of [0, 1] as const) {
      const { variables, optimizers } = make();
      const [freed, alive] = [variables[which], variables[1 - which]!];
      alive.gradient.fill(1);
      freed.free();
      for (const optimizer of optimizers) {
        expectStateErrors({
          step: () => optimizer.step(),
          apply: () =>
            optimizer.apply([
              [1, 1],
              [1, 1],
            ]),
          "apply without it": () => optimizer.apply([[1, 1]], [alive]),
          "apply null to it": () => optimizer.apply(which === 0 ? [null, [1, 1]] : [[1, 1], null]),
          minimize: () => optimizer.minimize(() => 0, [alive]),
          zeroGradients: () => optimizer.zeroGradients(),
          finalizeVariableValues: () => optimizer.finalizeVariableValues(),
        });
        expect(errorOf(() => optimizer.step()).message).toContain(`"${freed.name}"`);
        expect(optimizer.rawIterations).toBe(0);
        expect([...alive.value]).toEqual([1, 2]);
        expect([...alive.gradient]).toEqual([1, 1]);
        expect([...optimizer.slot("velocity", alive)!]).toEqual([0, 0]);
        optimizer.free();
      }
    }
  });

  it("every use of a freed optimizer is a StateError that names it", () => {
    const w = new Variable([1, 2], { runtime });
    const inner = new RMSprop({ name: "inner", useEma: true });
    for (const optimizer of [new RMSprop({ name: "plain", useEma: true }), new LossScaleOptimizer(inner)]) {
      optimizer.build([w]);
      const variables = optimizer.variables;
      const store = optimizer.saveOwnVariables();
      optimizer.free();
      expect(optimizer.built).toBe(false);
      expectStateErrors({
        build: () => optimizer.build([w]),
        step: () => optimizer.step(),
        apply: () => optimizer.apply([[1, 1]]),
        "apply with variables": () => optimizer.apply([[1, 1]], [w]),
        applyGradients: () => optimizer.applyGradients([[[1, 1], w]]),
        minimize: () => optimizer.minimize(() => 0, [w]),
        zeroGradients: () => optimizer.zeroGradients(),
        scaleLoss: () => optimizer.scaleLoss(1),
        slot: () => optimizer.slot("velocity", w),
        variables: () => optimizer.variables,
        "a slot kept from before": () => variables.at(-1)?.value,
        iterations: () => optimizer.iterations,
        rawIterations: () => optimizer.rawIterations,
        learningRate: () => optimizer.learningRate,
        "learningRate =": () => {
          optimizer.learningRate = 0.5;
        },
        excludeFromWeightDecay: () => optimizer.excludeFromWeightDecay({ names: ["bias"] }),
        finalizeVariableValues: () => optimizer.finalizeVariableValues(),
        saveOwnVariables: () => optimizer.saveOwnVariables(),
        loadOwnVariables: () => optimizer.loadOwnVariables(store),
        setWeights: () => optimizer.setWeights(Object.values(store)),
        ...(optimizer instanceof LossScaleOptimizer && {
          dynamicScale: () => optimizer.dynamicScale,
          stepCounter: () => optimizer.stepCounter,
        }),
        ...(optimizer instanceof RMSprop && {
          "rho =": () => {
            optimizer.rho = 0.5;
          },
        }),
      });
      const { name } = optimizer instanceof RMSprop ? optimizer : inner;
      expect(errorOf(() => optimizer.step()).message).toContain(`"${name}"`);
      expect([...w.value]).toEqual([1, 2]);
    }
  });

  it("an optimizer freed before it is built cannot be used either, its configuration can", () => {
    const optimizer = new RMSprop({ rho: 0.5 });
    optimizer.free();
    expectStateErrors({
      build: () => optimizer.build([]),
      apply: () => optimizer.apply([[1]], [new Variable(1, { runtime })]),
      saveOwnVariables: () => optimizer.saveOwnVariables(),
    });
    expect(optimizer.rho).toBe(0.5);
    expect(optimizer.getConfig()["rho"]).toBe(0.5);
  });

  it("the variables of a freed optimizer go on, with another one", () => {
    const w = new Variable([1, 2], { runtime });
    const first = new RMSprop();
    first.apply([[1, 1]], [w]);
    first.free();
    const before = w.value.slice();
    new RMSprop().apply([[1, 1]], [w]);
    expect(w.value[0]).toBeLessThan(before[0]!);
  });

  it("freed memory is used again", () => {
    const cycle = () => {
      const w = new Variable(noise(10_000), { runtime });
      const optimizer = new LossScaleOptimizer(new RMSprop({ momentum: 0.9, centered: true, useEma: true }));
      optimizer.apply([noise(10_000)], [w]);
      optimizer.free();
      w.free();
    };
    for (let i = 0; i < 10; i++) cycle();
    const { byteLength } = runtime;
    for (let i = 0; i < 300; i++) cycle();
    expect(runtime.byteLength).toBe(byteLength);
  });

  it("new variables and slots begin at zero, also in memory that was used before", () => {
    const dirty = new Variable(
      noise(1000).map((x) => x + 9),
      { runtime },
    );
    dirty.gradient.fill(7);
    dirty.free();
    const w = new Variable(new Float32Array(1000), { runtime });
    const optimizer = new RMSprop({ momentum: 0.9 });
    optimizer.build([w]);
    for (const view of [w.value, w.gradient, optimizer.slot("velocity", w)!, optimizer.slot("momentum", w)!]) {
      expect(view.every((x) => Object.is(x, 0))).toBe(true);
    }
  });
});

describe("using", () => {
  it("frees at the end of the block, in the opposite order", () => {
    let outside: { w: Variable; optimizer: RMSprop; scaled: LossScaleOptimizer };
    {
      using w = new Variable(10);
      using optimizer = new RMSprop();
      using scaled = new LossScaleOptimizer(new RMSprop());
      optimizer.apply([[1]], [w]);
      scaled.apply([[1]], [w]);
      outside = { w, optimizer, scaled };
      expect(w.freed).toBe(false);
    }
    expect(outside.w.freed).toBe(true);
    expectStateErrors({ plain: () => outside.optimizer.step(), scaled: () => outside.scaled.step() });
  });

  it("frees when the block throws", () => {
    let kept: Variable | undefined;
    expect(() => {
      using w = new Variable(10);
      kept = w;
      throw new Error("on purpose");
    }).toThrow("on purpose");
    expect(kept?.freed).toBe(true);
  });

  it("is what Symbol.dispose does", () => {
    const w = new Variable(1);
    const optimizer = new RMSprop();
    optimizer.build([w]);
    optimizer[Symbol.dispose]();
    w[Symbol.dispose]();
    expect(w.freed).toBe(true);
    expect(() => optimizer.step()).toThrow(StateError);
  });
});

describe("handles", () => {
  it("of freed variables never reach the variables that reuse their memory", () => {
    const runtime = createRuntime();
    const optimizer = new RMSprop();
    const first = new Variable([1], { runtime });
    optimizer.build([first]);
    first.free();
    const others = Array.from({ length: 50 }, () => new Variable([5], { runtime }));
    for (const other of others) other.gradient.fill(1);
    expect(() => optimizer.step()).toThrow(StateError);
    expect(others.map(({ value }) => value[0])).toEqual(new Array(50).fill(5));
  });
});

it("a getter that frees the variable it is assigned to writes nothing into the next one", () => {
  const v = new Variable([1, 2]);
  let next: Variable | undefined;
  const values = {
    length: 2,
    get 0() {
      v.free();
      next = new Variable([5, 5]);
      return 9;
    },
    1: 9,
  };
  expect(() => v.assign(values)).toThrow(StateError);
  expect([...(next?.value ?? [])]).toEqual([5, 5]);
});

it("a loss cannot change the list of variables that it was given", () => {
  const [w, other] = [new Variable(1), new Variable(1)];
  const optimizer = new RMSprop();
  const attempt = (edit: (list: Variable[]) => void) =>
    optimizer.minimize(
      ({ variables }) => {
        edit(variables as readonly Variable[] as Variable[]);
        return 0;
      },
      [w],
    );
  expect(() => attempt((list) => list.push(other))).toThrow(TypeError);
  expect(() => attempt((list) => list.splice(0))).toThrow(TypeError);
  expect(optimizer.rawIterations).toBe(0);
});

it("a subclass of an error is known by itself alone", () => {
  class Mine extends StateError {}
  expect(new Mine()).toBeInstanceOf(StateError);
  expect(new StateError()).not.toBeInstanceOf(Mine);
  expect({ name: "StateError" }).not.toBeInstanceOf(StateError);
});

it("a number as rate needs no runtime", () => {
  expect(new RMSprop({ learningRate: 0.5 }).learningRate).toBe(0.5);
});
