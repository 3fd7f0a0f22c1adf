// The types of variables, optimizers, runtimes and errors: arguments, results, what is read-only, what may be null.
import {
  type AnyVariable,
  type Backend,
  backend,
  type Constraint,
  createRuntime,
  type Gradient,
  type GradientDtype,
  type LossContext,
  type LossScaleConfig,
  LossScaleOptimizer,
  nonNeg,
  type Optimizer,
  type OptimizerVariable,
  type ResolvedOverrides,
  RMSprop,
  type RMSpropConfig,
  type Runtime,
  type Slot,
  StateError,
  type Store,
  Variable,
  type VariableOptions,
} from "rmsprop-wasm";
import * as scriptOnly from "rmsprop-wasm/js";
import { describe, expect, expectTypeOf, it } from "vitest";

/** Compiled, never run: what only the compiler forbids. */
const notRun = (..._: (() => unknown)[]) => undefined;

describe("Variable", () => {
  it("takes numbers in any array, and options", () => {
    new Variable(1);
    new Variable([1, 2]);
    new Variable(new Float64Array(2), { shape: [1, 2] as const });
    new Variable({ length: 1, 0: 5 });
    new Variable(Object.freeze([1]), { name: undefined, constraint: nonNeg });
    new Variable(1, { constraint: (value) => value.fill(0) });
    new Variable(1, { constraint: (value) => void value.fill(0), runtime: createRuntime() });
    for (const action of [
      // @ts-expect-error a string
      () => new Variable("1"),
      // @ts-expect-error strings
      () => new Variable(["1"]),
      // @ts-expect-error nested
      () => new Variable([[1], [2]]),
      // @ts-expect-error 64-bit integers
      () => new Variable(new BigInt64Array(1)),
      // @ts-expect-error nothing
      () => new Variable(),
      // @ts-expect-error null
      () => new Variable(null),
      // @ts-expect-error unknown
      () => new Variable(1, { dtype: "float32" }),
      // @ts-expect-error a number
      () => new Variable(1, { shape: 1 }),
      // @ts-expect-error null
      () => new Variable(1, { path: null }),
      // @ts-expect-error no runtime
      () => new Variable(1, { runtime: {} }),
    ]) {
      expect(action).toThrow(/^Argument/);
    }
  });

  it("has views, and a value that can be set to more than it is read as", () => {
    const w = new Variable([1, 2]);
    expectTypeOf(w.value).toExtend<Float32Array>();
    expectTypeOf(w.gradient).toExtend<Float32Array>();
    expectTypeOf(w.shape).toEqualTypeOf<readonly number[]>();
    expectTypeOf(w.size).toEqualTypeOf<number>();
    expectTypeOf(w.constraint).toEqualTypeOf<Constraint | undefined>();
    w.value = [3, 4];
    w.assign(new Float32Array([5, 6]));
    w.gradient = [7, 8];
    w.gradient = new Float64Array(2);
    // @ts-expect-error possibly undefined
    notRun(() => w.value[0].toFixed());
    expect(w.value[0]!.toFixed()).toBe("5");
    notRun(
      // @ts-expect-error read-only
      () => (w.name = "x"),
      // @ts-expect-error read-only
      () => w.shape.push(1),
      // @ts-expect-error no strings
      () => (w.value = "1"),
      // @ts-expect-error an array also for one number
      () => (w.gradient = 1),
    );
  });

  it("has gradients of the type it is given, float32 unless it is given one", () => {
    const [half, brain] = [
      new Variable(1, { gradientDtype: "float16" }),
      new Variable(1, { gradientDtype: "bfloat16" }),
    ];
    expectTypeOf(new Variable(1)).toEqualTypeOf<Variable>();
    expectTypeOf(new Variable(1, { gradientDtype: "float32" })).toEqualTypeOf<Variable>();
    expectTypeOf(new Variable(1, { name: "w", shape: [] })).toEqualTypeOf<Variable>();
    expectTypeOf(new Variable(1).gradient).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(half).toEqualTypeOf<Variable<"float16">>();
    expectTypeOf(half.gradient).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
    expectTypeOf(brain.gradient).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
    expectTypeOf(half.value).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(half.gradientDtype).toEqualTypeOf<"float16">();
    half.gradient = new Uint16Array(1);
    // @ts-expect-error bits, not numbers
    notRun(() => (half.gradient = [1]));
    const dtype = "float16" as GradientDtype;
    const either = new Variable(1, { gradientDtype: dtype });
    expectTypeOf(either).toEqualTypeOf<AnyVariable>();
    expectTypeOf(either.gradient).toEqualTypeOf<Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>>();
    const all: AnyVariable[] = [half, brain, new Variable(1), either];
    const optimizer = new RMSprop();
    optimizer.build(all);
    optimizer.build([half, new Variable(1)].slice(0, 1));
    optimizer.applyGradients([[new Uint16Array(1), half]]);
    optimizer.minimize(
      ({ variables }) => {
        expectTypeOf(variables).toEqualTypeOf<readonly [Variable<"float16">]>();
        return 0;
      },
      [half],
    );
    // @ts-expect-error its gradient is not float32
    notRun(() => ((_: Variable) => _)(half));
    // @ts-expect-error no such type
    expect(() => new Variable(1, { gradientDtype: "float64" })).toThrow(RangeError);
  });

  it("cannot be declared to have another type than it is given", () => {
    const options: VariableOptions<"float16"> = { gradientDtype: "float16" };
    const made: Variable = new Variable(1, { gradientDtype: "float32" });
    const any: AnyVariable = new Variable(1);
    const some: VariableOptions<GradientDtype> = { name: "w" };
    expectTypeOf(new Variable(1, some)).toEqualTypeOf<AnyVariable>();
    expectTypeOf(new Variable(1, {} as VariableOptions)).toEqualTypeOf<Variable>();
    expect([made, any].map(({ gradientDtype }) => gradientDtype)).toEqual(["float32", "float32"]);
    // @ts-expect-error float32
    let lie: Variable<"float16"> = new Variable(1);
    // @ts-expect-error float32
    lie = new Variable<"float16">(1);
    // @ts-expect-error float32
    lie = new Variable<"float16">(1, { name: "w" });
    expect(lie.gradientDtype).toBe("float32");
    // @ts-expect-error perhaps undefined, and so float32
    new Variable(1, options);
    expectTypeOf(new Variable(1, { ...options, gradientDtype: "float16" })).toEqualTypeOf<Variable<"float16">>();
  });

  it("of any type tells numbers from bits by the gradient's class", () => {
    const { gradient } = new Variable(1) as AnyVariable;
    if (gradient instanceof Float32Array) expectTypeOf(gradient).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    else expectTypeOf(gradient).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
    expect(gradient).toBeInstanceOf(Float32Array);
  });

  it("takes constraints that return nothing or the array", () => {
    const constraints: Constraint[] = [
      nonNeg,
      (value) => value.fill(0),
      (value: Float32Array) => value.fill(0),
      (value) => void value.fill(0),
      (value) => {
        value[0] = 0;
      },
    ];
    for (const constraint of constraints) new Variable(1, { constraint });
    notRun(
      // @ts-expect-error a promise, which nobody waits for
      () => new Variable(1, { constraint: async (value) => void value.fill(0) }),
      // @ts-expect-error a number
      () => new Variable(1, { constraint: (value) => (value[0] = 0) }),
    );
  });

  it("is not another copy's variable", () => {
    const foreign = new scriptOnly.Variable(1);
    // @ts-expect-error of another copy
    expect(() => new RMSprop().build([foreign])).toThrow(TypeError);
    // @ts-expect-error an object of the same looks
    expect(() => new RMSprop().build([{ ...new Variable(1) }])).toThrow(TypeError);
  });
});

describe("optimizers", () => {
  const w = new Variable([1, 2]);
  const [plain, scaled] = [new RMSprop(), new LossScaleOptimizer(new RMSprop())];
  plain.build([w]);
  scaled.build([w]);

  it("are both Optimizers", () => {
    expectTypeOf(plain).toExtend<Optimizer>();
    expectTypeOf(scaled).toExtend<Optimizer>();
    const either: Optimizer = Math.random() < 0.5 ? plain : scaled;
    either.step();
    expectTypeOf(scaled.innerOptimizer).toEqualTypeOf<RMSprop>();
    expectTypeOf(scaled.dynamicScale).toEqualTypeOf<number>();
    // @ts-expect-error only the inner optimizer's
    expect(scaled.rho).toBeUndefined();
    // @ts-expect-error only the outer optimizer's
    expect(plain.dynamicScale).toBeUndefined();
  });

  it("return what they say", () => {
    expectTypeOf(plain.build).returns.toEqualTypeOf<void>();
    expectTypeOf(plain.step).returns.toEqualTypeOf<void>();
    expectTypeOf(plain.add).parameters.toEqualTypeOf<[variables: readonly AnyVariable[]]>();
    expectTypeOf(plain.add).returns.toEqualTypeOf<void>();
    expectTypeOf(plain.remove).parameters.toEqualTypeOf<[variables: readonly AnyVariable[]]>();
    expectTypeOf(plain.remove).returns.toEqualTypeOf<void>();
    expectTypeOf(plain.apply).returns.toEqualTypeOf<number>();
    expectTypeOf(plain.getWeights).returns.toEqualTypeOf<(Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>)[]>();
    expectTypeOf(plain.applyGradients).returns.toEqualTypeOf<number>();
    expectTypeOf(plain.minimize).returns.toEqualTypeOf<number>();
    expectTypeOf(plain.scaleLoss).returns.toEqualTypeOf<number>();
    expectTypeOf(plain.slot).returns.toExtend<Float32Array | null>();
    expectTypeOf(plain.saveOwnVariables).returns.toEqualTypeOf<Store>();
    expectTypeOf(plain.variables).toEqualTypeOf<readonly OptimizerVariable[]>();
    expectTypeOf(plain.built).toEqualTypeOf<boolean>();
    expectTypeOf(plain.iterations).toEqualTypeOf<number>();
    expectTypeOf(plain.rawIterations).toEqualTypeOf<number>();
    expectTypeOf(RMSprop.fromConfig).returns.toEqualTypeOf<RMSprop>();
    expectTypeOf(LossScaleOptimizer.fromConfig).returns.toEqualTypeOf<LossScaleOptimizer>();
    expectTypeOf(plain.getConfig().name).toEqualTypeOf<string>();
  });

  it("have configurations that can be told apart, and are taken by their own class alone", () => {
    const either = plain as Optimizer;
    const config = either.getConfig();
    expectTypeOf(config).toEqualTypeOf<RMSpropConfig | LossScaleConfig>();
    if ("inner_optimizer" in config) expectTypeOf(config).toEqualTypeOf<LossScaleConfig>();
    else expectTypeOf(config).toEqualTypeOf<RMSpropConfig>();
    RMSprop.fromConfig({ rho: 0.5, momentum: undefined });
    RMSprop.fromConfig({
      learning_rate: { class_name: "CosineDecay", config: { initial_learning_rate: 1, decay_steps: 1 } },
    });
    LossScaleOptimizer.fromConfig({ inner_optimizer: { class_name: "RMSprop", config: {} } });
    LossScaleOptimizer.fromConfig({ ...scaled.getConfig(), initial_scale: undefined });
    for (const action of [
      // @ts-expect-error the other class'
      () => RMSprop.fromConfig(scaled.getConfig()),
      // @ts-expect-error the other class'
      () => LossScaleOptimizer.fromConfig(plain.getConfig()),
      // @ts-expect-error perhaps the other class'
      () => LossScaleOptimizer.fromConfig(config),
      // @ts-expect-error without a class
      () => LossScaleOptimizer.fromConfig({ inner_optimizer: { config: {} } }),
      // @ts-expect-error camelCase
      () => RMSprop.fromConfig({ weightDecay: 1 }),
    ]) {
      expect(action).toThrow(/^Argument/);
    }
  });

  it("take gradients of any kind of number array, and null", () => {
    const gradients: Gradient[] = [new Float32Array(2), [1, 2], new Float64Array(2)];
    for (const gradient of gradients) plain.apply([gradient]);
    plain.apply([[1, 2]] as const, [w] as const);
    plain.applyGradients([[[1, 2], w]]);
    plain.applyGradients(new Map([[new Float32Array(2), w]]));
    const pairs: [Gradient, Variable][] = [[[1, 2], w]];
    plain.applyGradients(pairs);
    for (const action of [
      // @ts-expect-error undefined
      () => plain.apply([undefined]),
      // @ts-expect-error a number
      () => plain.apply([1]),
      // @ts-expect-error nested
      () => plain.apply([[[1], [2]]]),
      // @ts-expect-error one for all
      () => plain.apply(new Float32Array(2)),
      // @ts-expect-error no list
      () => plain.apply([[1, 2]], w),
      // @ts-expect-error 64-bit integers
      () => plain.apply([new BigInt64Array(2)]),
      // @ts-expect-error the other way round
      () => plain.applyGradients([[w, [1, 2]]]),
      // @ts-expect-error no pairs
      () => plain.applyGradients([w]),
    ]) {
      expect(action).toThrow(/^Argument/);
    }
  });

  it("know five slots, each of which may be null", () => {
    expectTypeOf<Slot>().toEqualTypeOf<
      "average" | "gradient_accumulator" | "velocity" | "momentum" | "average_gradient"
    >();
    const velocity = plain.slot("velocity", w);
    // @ts-expect-error possibly null
    notRun(() => velocity.length);
    expect(velocity?.length).toBe(2);
    // @ts-expect-error no such slot
    expect(() => plain.slot("rms", w)).toThrow(TypeError);
    // @ts-expect-error camelCase
    expect(() => plain.slot("averageGradient", w)).toThrow(TypeError);
  });

  it("hand a context to the loss, which must return a number", () => {
    plain.minimize(
      ({ lossScale, variables }) => {
        expectTypeOf(lossScale).toEqualTypeOf<number>();
        expectTypeOf(variables).toEqualTypeOf<readonly [Variable]>();
        return 1;
      },
      [w],
    );
    plain.minimize(({ variables: [first] }) => first.value[0]!, [w]);
    plain.minimize(({ variables }) => {
      expectTypeOf(variables).toEqualTypeOf<readonly [Variable]>();
      return 1;
    }, w);
    const half = new Variable(1, { gradientDtype: "float16" });
    new RMSprop().minimize(({ variables: [first] }) => {
      expectTypeOf(first.gradient).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
      return 1;
    }, half);
    const list: Variable[] = [w];
    plain.minimize(({ variables }) => {
      expectTypeOf(variables).toEqualTypeOf<readonly Variable[]>();
      return 1;
    }, list);
    const typed = ({ lossScale, variables }: LossContext) => lossScale * variables.length;
    expect(plain.minimize(typed, [w])).toBe(1);
    plain.minimize(() => 1, [w]);
    // @ts-expect-error nothing
    expect(() => plain.minimize(() => {}, [w])).toThrow(TypeError);
    // @ts-expect-error a promise
    expect(() => plain.minimize(async () => 1, [w])).toThrow(TypeError);
    // @ts-expect-error no variables
    expect(() => plain.minimize(() => 1)).toThrow(TypeError);
  });

  it("exclude by lists only", () => {
    plain.excludeFromWeightDecay({ names: ["a", /b/], variables: [w] });
    plain.excludeFromWeightDecay({});
    // @ts-expect-error one string
    expect(() => plain.excludeFromWeightDecay({ names: "bias" })).toThrow(TypeError);
    // @ts-expect-error Keras' name
    expect(() => plain.excludeFromWeightDecay({ varNames: [] })).toThrow(TypeError);
    // @ts-expect-error nothing
    expect(() => plain.excludeFromWeightDecay()).toThrow(TypeError);
  });

  it("override by lists only, what there is to override", () => {
    plain.override(
      { names: ["a", /b/], paths: ["c"], variables: [w], optional: true },
      { learningRateMultiplier: 0.5 },
    );
    plain.override({ variables: [], optional: true }, { weightDecay: false, trainable: true });
    plain.override({ variables: [w] }, { learningRateMultiplier: null, weightDecay: null, trainable: null });
    const { learningRateMultiplier, weightDecay, trainable }: ResolvedOverrides = plain.overridesOf(w);
    expect([learningRateMultiplier, weightDecay, trainable]).toEqual([1, null, true]);
    // @ts-expect-error one pattern
    expect(() => plain.override({ paths: /a/ }, {})).toThrow(TypeError);
    // @ts-expect-error PyTorch's name
    expect(() => plain.override({}, { lr: 0.1 })).toThrow(TypeError);
    // @ts-expect-error true is no weight decay
    expect(() => plain.override({}, { weightDecay: true })).toThrow(TypeError);
    // @ts-expect-error no options
    expect(() => plain.override({})).toThrow(TypeError);
    // @ts-expect-error read-only
    notRun(() => (plain.overridesOf(w).trainable = false));
  });

  it("have read-only results", () => {
    notRun(
      // @ts-expect-error read-only
      () => (plain.iterations = 1),
      // @ts-expect-error read-only
      () => (plain.rawIterations = 1),
      // @ts-expect-error read-only
      () => (plain.built = true),
      // @ts-expect-error read-only
      () => (plain.name = "x"),
      // @ts-expect-error read-only
      () => plain.variables.push(),
      // @ts-expect-error read-only
      () => (plain.variables[0]!.value = new Float32Array(1)),
      // @ts-expect-error read-only
      () => (scaled.dynamicScale = 1),
      // @ts-expect-error read-only
      () => (scaled.innerOptimizer = plain),
      // @ts-expect-error read-only
      () => (plain.getConfig().name = "x"),
    );
  });

  it("load stores, lists, and numbers instead of arrays of one", () => {
    const store = plain.saveOwnVariables();
    plain.loadOwnVariables(store);
    plain.loadOwnVariables({ 0: 1, 1: 0.5, 2: [1, 2] });
    plain.loadOwnVariables({ ...store, 2: new Float64Array(2) });
    plain.setWeights(Object.values(store));
    for (const action of [
      // @ts-expect-error strings
      () => plain.loadOwnVariables({ ...store, 2: "12" }),
      // @ts-expect-error null
      () => plain.loadOwnVariables({ ...store, 2: null }),
      // @ts-expect-error null
      () => plain.setWeights(null),
      // @ts-expect-error no list
      () => plain.setWeights(store),
    ]) {
      expect(action).toThrow();
    }
  });

  it("are disposable, as variables are", () => {
    expectTypeOf<RMSprop>().toExtend<Disposable>();
    expectTypeOf<LossScaleOptimizer>().toExtend<Disposable>();
    expectTypeOf<Variable>().toExtend<Disposable>();
  });
});

describe("runtimes", () => {
  it("are made by createRuntime alone", () => {
    expectTypeOf(createRuntime()).toEqualTypeOf<Runtime>();
    expectTypeOf(createRuntime().backend).toEqualTypeOf<Backend>();
    expectTypeOf(createRuntime().byteLength).toEqualTypeOf<number>();
    expectTypeOf(backend()).toEqualTypeOf<"wasm-simd128" | "js">();
    createRuntime({ backend: "wasm", initialBytes: 1e5, maximumBytes: 1e6 });
    for (const action of [
      // @ts-expect-error no such backend
      () => createRuntime({ backend: "gpu" }),
      // @ts-expect-error unknown
      () => createRuntime({ bytes: 1 }),
      // @ts-expect-error a string
      () => createRuntime({ maximumBytes: "1" }),
    ]) {
      expect(action).toThrow(/^Argument/);
    }
  });
});

describe("errors", () => {
  it("can be told apart by class and by name", () => {
    const error: unknown = new StateError("x");
    if (error instanceof StateError) expectTypeOf(error.name).toExtend<string>();
    expectTypeOf<StateError>().toExtend<Error>();
    expect(error).toBeInstanceOf(Error);
  });
});
