// Every error: its class, and a message with argument, rule and received value; and that nothing has changed after it.
import { createRuntime, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { CALLS, type Subject } from "./errors/calls.js";
import { CONSTRUCTION } from "./errors/construction.js";
import { never } from "./errors/values.js";
import { BACKENDS, errorOf, noise, onBothBackends, stateOf } from "./support.js";

describe("construction", () => {
  it.each(CONSTRUCTION)("%s", (_, action, type, message) => {
    const error = errorOf(action);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
  });
});

describe.each(BACKENDS.flatMap((backend) => [false, true].map((scaled) => ({ backend, scaled }))))(
  "calls on a built optimizer: %o",
  ({ backend, scaled }) => {
    const runtime = createRuntime({ backend });

    function make(): Subject {
      const [a, b, stranger] = [
        new Variable(noise(2, 1), { name: "a", runtime }),
        new Variable(noise(3, 2), { name: "b", runtime }),
        new Variable([1, 2], { name: "stranger", runtime }),
      ] as const;
      const inner = new RMSprop({ clipnorm: 1, useEma: true, momentum: 0.5, weightDecay: 0.1 });
      const optimizer = scaled ? new LossScaleOptimizer(inner) : inner;
      for (let step = 0; step < 2; step++) optimizer.apply([noise(2, step), noise(3, step)], [a, b]);
      return { optimizer, a, b, stranger };
    }

    it.each(CALLS)("%s", (_, action, type, message) => {
      const subject = make();
      const variables = [subject.a, subject.b, subject.stranger];
      const before = stateOf(subject.optimizer, variables);
      const error = errorOf(() => action(subject));
      expect(error).toBeInstanceOf(type);
      expect(error.message).toMatch(message);
      expect(stateOf(subject.optimizer, variables)).toEqual(before);
      subject.optimizer.apply([noise(2), noise(3)]);
      expect(subject.optimizer.rawIterations).toBe(3);
    });
  },
);

onBothBackends((runtime) => {
  describe("calls on an optimizer that is not built", () => {
    const a = new Variable([1, 2], { name: "a", runtime });
    const b = new Variable([1, 2], { name: "b", runtime });

    it.each<[string, (optimizer: RMSprop | LossScaleOptimizer) => unknown, RegExp]>([
      ["step", (optimizer) => optimizer.step(), /is not built: call build\(variables\) first/],
      ["apply", (optimizer) => optimizer.apply([[1, 2]]), /is not built: call build\(variables\) first/],
      ["slot", (optimizer) => optimizer.slot("velocity", a), /is not built/],
      ["zeroGradients", (optimizer) => optimizer.zeroGradients(), /is not built/],
      ["finalizeVariableValues", (optimizer) => optimizer.finalizeVariableValues(), /is not built/],
      ["loadOwnVariables", (optimizer) => optimizer.loadOwnVariables({}), /is not built/],
      ["setWeights", (optimizer) => optimizer.setWeights([]), /is not built/],
      ["build with one", (optimizer) => optimizer.build(a as never), /`variables` must be an array of variables/],
      [
        "build with none",
        (optimizer) => optimizer.build(undefined as never),
        /`variables` must be an array of variables/,
      ],
      ["build twice the same", (optimizer) => optimizer.build([a, b, a]), /`variables` lists variable "a" twice/],
      ["build with holes", (optimizer) => optimizer.build(new Array(1)), /`variables\[0\]` must be a Variable/],
      [
        "apply a wrong length",
        (optimizer) => optimizer.apply([[1, 2], [1]], [a, b]),
        /gradients\[1\]` must be an array of 2/,
      ],
      [
        "apply a wrong type",
        (optimizer) => optimizer.apply([[1, 2], "12" as never], [a, b]),
        /gradients\[1\]` must be an/,
      ],
      ["minimize, and the loss throws", (optimizer) => optimizer.minimize(never, [a]), /^never$/],
    ])("%s", (_, action, message) => {
      for (const optimizer of [new RMSprop(), new LossScaleOptimizer(new RMSprop())]) {
        const before = stateOf(optimizer, [a, b]);
        expect(errorOf(() => action(optimizer)).message).toMatch(message);
        expect(stateOf(optimizer, [a, b])).toEqual(before);
      }
    });
  });
});

describe("what others put on Object.prototype", () => {
  const pollution = {
    rho: 7,
    learningRate: 7,
    name: "x",
    names: [/./],
    variables: 7,
    path: "x",
    shape: [7],
    runtime: 7,
    0: 7,
  };

  /** What `action` gives in a polluted world; nothing else runs in it. */
  function polluted<T>(action: () => T): T {
    Object.assign(Object.prototype, pollution);
    try {
      return action();
    } finally {
      for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
    }
  }

  it("is no option, no configuration, no store and no exclusion", () => {
    const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5, name: "o" });
    const w = new Variable([1], { name: "w" });
    optimizer.build([w]);
    const seen = polluted(() => {
      optimizer.excludeFromWeightDecay({});
      optimizer.apply([[0]]);
      return [
        new RMSprop({ momentum: 0.5 }).rho,
        RMSprop.fromConfig({ momentum: 0.5 }).learningRate,
        new LossScaleOptimizer(new RMSprop({}), {}).dynamicScale,
        new Variable([1, 2], {}).shape.length,
        createRuntime({}).backend,
        w.value[0],
      ];
    });
    expect(seen).toEqual([0.9, Math.fround(0.001), 2 ** 15, 1, "wasm-simd128", 0.75]);
    const store = Object.create({ 0: 1, 1: 1, 2: [1] });
    expect(errorOf(() => polluted(() => optimizer.loadOwnVariables(store))).message).toMatch(/it holds 0/);
  });
});

describe("messages", () => {
  it("stay short, and are made without running anybody's code", () => {
    const received = (value: unknown) =>
      errorOf(() => new RMSprop({ rho: value as never })).message.split("received ")[1];
    expect(received("x".repeat(1000))).toBe(`"${"x".repeat(57)}...".`);
    expect(received(new Array(1e6))).toBe("an array of 1000000.");
    expect(received({ toString: never, toJSON: never, valueOf: never })).toBe("an object (Object).");
    expect(received(Object.create(null))).toBe("an object (Object).");
    expect(received(Object.defineProperty(() => 1, "name", { get: never }))).toBe("a value that cannot be shown.");
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(received(proxy)).toBe("a value that cannot be shown.");
  });

  it("have the names of their classes", () => {
    expect(errorOf(() => new RMSprop().step()).name).toBe("StateError");
    expect(String(errorOf(() => new RMSprop({ name: "o" }).step()))).toBe(
      'StateError: Optimizer "o" is not built: call build(variables) first.',
    );
  });
});
