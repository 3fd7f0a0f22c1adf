// The form that stays on the device, on the two backends that train in Node: the core's bits without a single read. The same cases
// run on webgl and webgpu in test/gpu.
import * as layers from "@tensorflow/tfjs-layers";
import * as package_ from "rmsprop-wasm";
import { CheckpointError, CosineDecay, LossScaleOptimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import * as tfjs from "rmsprop-wasm/tfjs";
import { type ResidentOptimizer, type RMSpropTfjsOptions, register, rmsprop } from "rmsprop-wasm/tfjs";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { CASES, check, reads } from "../gpu/cases.js";
import { errorOf, noise } from "../unit/support.js";
import { gradientsOf, onBothBackends, tf, valueBits, variables } from "./tf.js";

type Resident = ResidentOptimizer<typeof tf>;
type Options = RMSpropTfjsOptions & { readonly resident?: true | "composed" };
const make = (options: Options = {}): Resident => rmsprop(tf, { resident: true, ...options });

const apply = (optimizer: tf.Optimizer, list: readonly tf.Variable[], step: number) => {
  const gradients = gradientsOf(list, step);
  optimizer.applyGradients(gradients);
  tf.dispose(gradients);
};

/** Values and state, to be compared. */
const stateOf = async (optimizer: tf.Optimizer, list: readonly tf.Variable[]) => [
  list.map(valueBits),
  (await optimizer.getWeights()).map(({ name, tensor }) => [name, tensor.dtype, [...tensor.dataSync()]]),
];

const ALL = {
  ...{ learningRate: 0.05, momentum: 0.9, centered: true, weightDecay: 0.01, useEma: true, emaOverwriteFrequency: 3 },
  gradientAccumulationSteps: 2,
} as const;
const SCALED = { ...ALL, lossScale: { initialScale: 8, dynamicGrowthSteps: 3 } } as const;

onBothBackends((backend) => {
  describe.each([true, "composed"] as const)("resident: %s", (resident) => {
    const measured = { gradientNorm: true, updateNorm: true };
    describe.each([{}, measured])("measures %o", (measure) => {
      it.each(Object.entries(CASES))("has the core's bits, reads nothing, leaves nothing: %s", async (_, of) => {
        expect(await check(tf, tfjs, package_, of, { resident, measure })).toEqual([]);
      });
    });
  });

  it("is one kernel for each variable", async () => {
    const list = variables();
    const optimizer = make({ momentum: 0.9, centered: true, weightDecay: 0.1, useEma: true, clipvalue: 1 });
    apply(optimizer, list, 0);
    const { kernels } = await tf.profile(() => {
      const gradients = gradientsOf(list, 1);
      optimizer.applyGradients(gradients);
      tf.dispose(gradients);
      return tf.scalar(0);
    });
    expect(kernels.map(({ name }) => name)).toEqual(["RMSpropWasmStep", "RMSpropWasmStep"]);
    optimizer.dispose();
    tf.dispose(list);
  });

  it("is one kernel for each variable under a dynamic loss scale, beside the test for finiteness and scalars", async () => {
    const list = variables();
    const optimizer = make({ momentum: 0.9, centered: true, useEma: true, lossScale: { initialScale: 8 } });
    const { kernels } = await tf.profile(() => {
      apply(optimizer, list, 0);
      return tf.scalar(0);
    });
    const arrays = kernels.filter(({ inputShapes }) => inputShapes.some((shape) => (shape ?? []).length > 1));
    const names = arrays.map(({ name }) => name).filter((name) => name !== "Reshape" && name !== "Fill");
    // The second variable is a vector.
    expect(names.sort()).toEqual(["IsFinite", "RMSpropWasmStep"]);
    expect(kernels.filter(({ name }) => name === "RMSpropWasmStep")).toHaveLength(2);
    optimizer.dispose();
    tf.dispose(list);
  });

  it("minimizes Keras' example", () => {
    const w = tf.tidy(() => tf.variable(tf.scalar(10)));
    const optimizer = make({ learningRate: 0.1 });
    const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
    expect(reads(tf, () => void optimizer.minimize(loss, [w]))).toBe(0);
    expect(valueBits(w)).toEqual(["411af0bb"]);
    expect(optimizer.minimize(loss, true)?.dataSync()[0]).toBeCloseTo(46.88, 1);
    expect(optimizer.iterations).toBe(2);
    optimizer.dispose();
    tf.disposeVariables();
  });

  it("scales the loss for the gradients on the device, and not the loss that is returned", () => {
    const w = tf.tidy(() => tf.variable(tf.scalar(10)));
    const optimizer = make({ learningRate: 0.1, lossScale: { initialScale: 1024 } });
    const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
    const { value, grads } = optimizer.computeGradients(loss, [w]);
    expect([value.dataSync()[0], grads[w.name]!.dataSync()[0]]).toEqual([50, 10240]);
    expect(reads(tf, () => optimizer.applyGradients(grads))).toBe(0);
    expect(valueBits(w)).toEqual(["411af0bb"]);
    const infinite = { [w.name]: tf.scalar(Number.NaN) };
    optimizer.applyGradients(infinite);
    expect([valueBits(w), optimizer.lossScale, optimizer.iterations]).toEqual([["411af0bb"], 512, 1]);
    expect(optimizer.lossScaleTensor.dataSync()).toEqual(Float32Array.of(512));
    tf.dispose([value, grads, infinite, w]);
    optimizer.dispose();
  });

  it.each([ALL, SCALED])("keeps no tensor over 1,000 steps, and none after dispose", (options) => {
    const before = tf.memory();
    const list = variables();
    const optimizer = make(options);
    const gradients = gradientsOf(list, 0);
    const held = [];
    for (let step = 0; step < 1000; step++) {
      optimizer.applyGradients(gradients);
      const { numTensors, numBytes } = tf.memory();
      if (step % 6 === 5) held.push(`${numTensors} ${numBytes}`);
    }
    expect(new Set(held).size).toBe(1);
    tf.dispose([list, gradients]);
    optimizer.dispose();
    optimizer.dispose();
    const { numTensors, numBytes } = tf.memory();
    expect([numTensors, numBytes]).toEqual([before.numTensors, before.numBytes]);
    expect(() => optimizer.applyGradients({})).toThrow(StateError);
    expect(() => optimizer.learningRate).toThrow(/was disposed of/);
  });

  describe("variables", () => {
    it("that come later begin at zero, their averages at their values; the others go on", async () => {
      const [list, late] = [variables(), variables()[1]!];
      const [optimizer, plain] = [make(ALL), rmsprop(tf, ALL)];
      const copies = [...list, late].map((v) => tf.tidy(() => tf.variable(v.clone())));
      for (const [each, [a, b, c]] of [
        [optimizer, [...list, late]],
        [plain, copies],
      ] as const) {
        for (let step = 0; step < 3; step++) apply(each, [a!, b!], step);
        for (let step = 3; step < 9; step++) {
          const gradients = { ...gradientsOf([a!, b!], step), ...gradientsOf([c!, c!], step) };
          const given = Object.fromEntries(
            Object.entries(gradients).map(([name, g]) => [name, name === c!.name ? tf.reshape(g, [...c!.shape]) : g]),
          );
          each.applyGradients(given);
          tf.dispose([gradients, given]);
        }
      }
      expect([...list, late].map(valueBits)).toEqual(copies.map(valueBits));
      tf.dispose([list, late, copies]);
      optimizer.dispose();
      plain.dispose();
    });

    it("that were disposed of give way", async () => {
      const optimizer = make({ learningRate: 0.1 });
      const results = [0, 1].map(() => {
        const w = tf.tidy(() => tf.variable(tf.scalar(10), true, "again"));
        optimizer.minimize(() => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar), [w]);
        const result = valueBits(w);
        w.dispose();
        return result;
      });
      expect(results).toEqual([["411af0bb"], ["411af0bb"]]);
      const names = (await optimizer.getWeights()).map(({ name }) => name);
      expect(names).toEqual(["iter", "learning_rate", "again/velocity"]);
      optimizer.dispose();
    });

    it("can be kept from weight decay, by themselves or by name, also before they are met", () => {
      const list = ["kernel", "bias", "scale"].map((name) => tf.tidy(() => tf.variable(tf.scalar(1), true, name)));
      const optimizer = make({ learningRate: 0.5, weightDecay: 0.5, epsilon: 1 });
      optimizer.excludeFromWeightDecay({ variables: [list[2]!], names: ["bias"] });
      const zeros = Object.fromEntries(list.map(({ name }) => [name, tf.scalar(0)]));
      optimizer.applyGradients(zeros);
      expect(list.map((w) => w.dataSync()[0])).toEqual([0.75, 1, 1]);
      expect(() => optimizer.excludeFromWeightDecay({ names: ["("] })).toThrow(RangeError);
      optimizer.excludeFromWeightDecay({});
      optimizer.applyGradients(zeros);
      expect(list.map((w) => w.dataSync()[0])).toEqual([0.5625, 0.75, 0.75]);
      tf.dispose([list, zeros]);
      optimizer.dispose();
    });
  });

  describe("a call that fails changes nothing", () => {
    it.each<[string, new (...args: never[]) => Error, (list: tf.Variable[]) => unknown]>([
      ["an unknown variable", StateError, () => ({ nobody: tf.scalar(1) })],
      ["a gradient of another shape", RangeError, ([a]) => ({ [a!.name]: tf.zeros([2]) })],
      ["a gradient of integers", TypeError, ([a]) => ({ [a!.name]: tf.zeros([...a!.shape], "int32") })],
      ["no gradient at all", RangeError, (list) => list.map(({ name }) => ({ name, tensor: null }))],
      ["a variable twice", RangeError, ([a]) => [0, 1].map(() => ({ name: a!.name, tensor: tf.zeros([...a!.shape]) }))],
      ["no container", TypeError, () => 5],
      [
        "a gradient that was disposed of",
        StateError,
        (list) =>
          list.map(({ name, shape }, i) => {
            const tensor = tf.zeros([...shape]);
            if (i === 1) tensor.dispose();
            return { name, tensor };
          }),
      ],
    ])("%s", async (_, type, gradients) => {
      for (const options of [ALL, SCALED]) {
        const list = variables();
        const optimizer = make(options);
        for (let step = 0; step < 3; step++) apply(optimizer, list, step);
        const before = await stateOf(optimizer, list);
        const { numTensors } = tf.memory();
        const given = gradients(list) as tf.NamedTensorMap;
        expect(errorOf(() => optimizer.applyGradients(given))).toBeInstanceOf(type);
        tf.dispose(given);
        expect(tf.memory().numTensors).toBe(numTensors);
        expect(await stateOf(optimizer, list)).toEqual(before);
        tf.dispose(list);
        optimizer.dispose();
      }
    });

    it.each([true, "composed"] as const)("wherever tfjs fails in the step, resident: %s", async (resident) => {
      const measure = { gradientNorm: true, updateNorm: true };
      for (const options of [{ ...ALL, clipnorm: 1 }, SCALED]) {
        const [list, late] = [variables(), variables()];
        const optimizer = make({ ...options, resident, measure });
        for (let step = 0; step < 3; step++) apply(optimizer, list, step);
        const before = await stateOf(optimizer, [...list, ...late]);
        const gradients = gradientsOf([...list, ...late].slice(0, 2), 3);
        const more = gradientsOf(late, 4);
        const { numTensors } = tf.memory();
        const { lastStep } = optimizer;
        const engine = tf.engine();
        let failures = 0;
        for (let at = 0; ; at++) {
          let calls = 0;
          const original = engine.runKernel.bind(engine);
          const spy = vi.spyOn(engine, "runKernel").mockImplementation(((...args: Parameters<typeof original>) => {
            if (calls++ === at) throw new EvalError("on purpose");
            return original(...args);
          }) as never);
          const error = (() => {
            try {
              optimizer.applyGradients({ ...gradients, ...more });
              return undefined;
            } catch (thrown) {
              return thrown;
            } finally {
              spy.mockRestore();
            }
          })();
          if (error === undefined) break;
          failures++;
          expect(error).toBeInstanceOf(EvalError);
          expect(await stateOf(optimizer, [...list, ...late])).toEqual(before);
          expect(optimizer.lastStep).toBe(lastStep);
          await lastStep?.read();
        }
        expect(failures).toBeGreaterThan(8);
        expect(tf.memory().numTensors).toBeGreaterThanOrEqual(numTensors);
        tf.dispose([list, late, gradients, more]);
        optimizer.dispose();
      }
    });

    it("a learning rate that throws", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const { numTensors } = tf.memory();
      const optimizer = make({
        learningRate: () => {
          throw new EvalError("on purpose");
        },
      });
      const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
      expect(() => optimizer.minimize(loss, true, [w])).toThrow("on purpose");
      expect([w.dataSync()[0], optimizer.iterations, tf.memory().numTensors]).toEqual([10, 0, numTensors]);
      w.dispose();
      optimizer.dispose();
    });

    it("a regular expression of the user's that throws", async () => {
      let throws = false;
      class Throwing extends RegExp {
        override [Symbol.search](): number {
          if (throws) throw new EvalError("on purpose");
          return 0;
        }
      }
      const decaying = () => {
        const optimizer = make({ weightDecay: 0.1, momentum: 0.9 });
        optimizer.excludeFromWeightDecay({ names: [new Throwing("x")] });
        return optimizer;
      };
      const list = variables();
      const [optimizer, fresh] = [decaying(), decaying()];
      apply(optimizer, list, 0);
      const before = await stateOf(optimizer, list);
      const core = await optimizer.toCore();
      const weights = await optimizer.getWeights();
      const gradients = gradientsOf(list, 1);
      const { numTensors } = tf.memory();
      throws = true;
      // It meets variables, and takes state for them.
      expect(() => fresh.applyGradients(gradients)).toThrow("on purpose");
      await expect(fresh.toCore(list)).rejects.toThrow("on purpose");
      await expect(fresh.setWeights(weights)).rejects.toThrow("on purpose");
      expect(() => fresh.fromCore(core)).toThrow("on purpose");
      await expect(optimizer.setWeights(weights)).rejects.toThrow("on purpose");
      expect(() => optimizer.fromCore(core)).toThrow("on purpose");
      expect([fresh.iterations, tf.memory().numTensors]).toEqual([0, numTensors]);
      throws = false;
      expect(await stateOf(optimizer, list)).toEqual(before);
      for (const variable of core.trainableVariables) variable.free();
      core.free();
      tf.dispose([list, gradients]);
      optimizer.dispose();
      fresh.dispose();
    });
  });

  describe("what a step did", () => {
    const norms = { gradientNorm: true, updateNorm: true };

    it("is there until the next step, on the device", async () => {
      const list = variables();
      const optimizer = make({
        ...SCALED,
        gradientAccumulationSteps: null,
        learningRate: new CosineDecay({ initialLearningRate: 0.1, decaySteps: 9 }),
        measure: norms,
      });
      expect(optimizer.lastStep).toBeNull();
      apply(optimizer, list, 0);
      const first = optimizer.lastStep!;
      const tensors = [
        first.learningRate,
        first.lossScale,
        first.finite,
        first.gradientNorm,
        first.updateNorm,
      ] as tf.Tensor[];
      expect(tensors.map(({ shape, dtype }) => [shape, dtype])).toEqual(
        ["float32", "float32", "bool", "float32", "float32"].map((dtype) => [[], dtype]),
      );
      // What is asked for comes, though a step follows.
      const reading = first.read();
      apply(optimizer, list, 1);
      expect((await reading).outcome).toBe("updated");
      expect(tensors.every(({ isDisposed }) => isDisposed)).toBe(true);
      await expect(first.read()).rejects.toThrow(StateError);
      const { lastStep } = optimizer;
      optimizer.dispose();
      await expect(lastStep?.read()).rejects.toThrow(StateError);
      expect(() => optimizer.lastStep).toThrow(StateError);
      tf.dispose(list);
    });

    it("can be measured from any step on", async () => {
      const list = variables();
      const optimizer = make();
      apply(optimizer, list, 0);
      expect(await optimizer.lastStep?.read()).toEqual({
        ...{ outcome: "updated", learningRate: Math.fround(0.001), lossScale: 1, finite: null },
        ...{ gradientNorm: null, clipFactor: 1, updateNorm: null },
      });
      expect(optimizer.measure).toEqual({ gradientNorm: false, updateNorm: false });
      expect(() => {
        optimizer.measure = { gradientNorm: 1 as never };
      }).toThrow(/`measure\.gradientNorm` must be true or false/);
      optimizer.measure = norms;
      expect(reads(tf, () => apply(optimizer, list, 1))).toBe(0);
      expect(optimizer.lastStep?.gradientNorm?.dataSync()[0]).toBeGreaterThan(0);
      expect(optimizer.lastStep?.updateNorm?.dataSync()[0]).toBeGreaterThan(0);
      expect(optimizer.getConfig()).not.toHaveProperty("measure");
      const core = await optimizer.toCore();
      expect(core.measure).toEqual(norms);
      core.free();
      tf.dispose(list);
      optimizer.dispose();
      expect(make({ lossScale: { measure: norms } }).measure).toEqual(norms);
    });

    it("has the core's norms of long tensors", async () => {
      const sizes = [[1_000_003], [700, 900]];
      const list = sizes.map((shape) => tf.tidy(() => tf.variable(tf.zeros(shape), true)));
      const numbers = sizes.map(([a, b = 1], i) => noise((a as number) * b, i + 1));
      const gradients = Object.fromEntries(list.map(({ name }, i) => [name, tf.tensor(numbers[i]!, sizes[i]!)]));
      const optimizer = make({ globalClipnorm: 1, measure: norms });
      const core = new RMSprop({ globalClipnorm: 1, measure: norms });
      const twins = numbers.map(({ length }) => new Variable(new Float32Array(length)));
      optimizer.applyGradients(gradients);
      core.apply(numbers, twins);
      const actual = await optimizer.lastStep!.read();
      for (const name of ["gradientNorm", "clipFactor", "updateNorm"] as const) {
        const right = core.lastStep![name] as number;
        expect(Math.abs((actual[name] as number) - right) / right, name).toBeLessThan(1e-6);
      }
      core.free();
      for (const twin of twins) twin.free();
      tf.dispose([list, gradients]);
      optimizer.dispose();
    });
  });

  describe("state moves", () => {
    it.each([
      ["resident to plain", ALL, true, false],
      ["plain to resident", ALL, false, true],
      ["resident to plain, under a dynamic scale", SCALED, true, false],
      ["plain to resident, under a dynamic scale", SCALED, false, "composed"],
      ["resident to resident", SCALED, true, true],
    ] as const)("%s, by getWeights and setWeights", async (_, options, from, to) => {
      const [list, whole] = [variables(), variables()];
      const [first, second, all] = [from, to, false].map((resident) =>
        resident ? make({ ...options, resident }) : rmsprop(tf, options),
      ) as tf.Optimizer[] as [tf.Optimizer, tf.Optimizer, tf.Optimizer];
      for (let step = 0; step < 8; step++) {
        apply(all, whole, step);
        apply(step < 5 ? first : second, list, step);
        if (step === 4) await second.setWeights(await first.getWeights());
      }
      expect(list.map(valueBits)).toEqual(whole.map(valueBits));
      for (const optimizer of [first, second, all]) optimizer.dispose();
      tf.dispose([list, whole]);
    });

    it("takes the weights of tfjs' own optimizer, which have no loss scale, in both forms", async () => {
      const list = variables();
      const theirs = tf.train.rmsprop(0.1);
      for (let step = 0; step < 3; step++) apply(theirs, list, step);
      const options = { learningRate: 0.1, lossScale: { initialScale: 8, dynamicGrowthSteps: 1 } };
      for (const optimizer of [rmsprop(tf, options), make(options), make({ ...options, resident: "composed" })]) {
        apply(optimizer, list, 3);
        await optimizer.setWeights(await theirs.getWeights());
        expect([optimizer.iterations, optimizer.lossScale, optimizer.learningRate]).toEqual([3, 16, Math.fround(0.1)]);
        apply(optimizer, list, 4);
        expect([optimizer.iterations, optimizer.lossScale]).toEqual([4, 32]);
        optimizer.dispose();
      }
      theirs.dispose();
      tf.dispose(list);
    });

    it("refuses weights that do not fit, and has changed nothing", async () => {
      const list = variables();
      const [optimizer, other] = [make({ momentum: 0.9 }), make()];
      for (let step = 0; step < 2; step++) apply(optimizer, list, step);
      apply(other, list, 2);
      const before = await stateOf(optimizer, list);
      await expect(optimizer.setWeights(await other.getWeights())).rejects.toThrow(/have no momentum/);
      await expect(optimizer.setWeights(5 as never)).rejects.toThrow(TypeError);
      expect(await stateOf(optimizer, list)).toEqual(before);
      tf.dispose(list);
      optimizer.dispose();
      other.dispose();
    });

    it.each([ALL, SCALED])("into a checkpoint and back, by toCore and fromCore", async (options) => {
      const [list, whole] = [variables(), variables()];
      const [optimizer, all] = [make(options), make(options)];
      for (let step = 0; step < 5; step++)
        for (const [each, of] of [
          [optimizer, list],
          [all, whole],
        ] as const)
          apply(each, of, step);
      const core = await optimizer.toCore();
      expect(core).toBeInstanceOf("lossScale" in options ? LossScaleOptimizer : RMSprop);
      expect(core.rawIterations).toBe(5);
      const bytes = save(core);
      for (let step = 5; step < 7; step++) apply(optimizer, list, step);

      // The same optimizer goes back; a new one begins with variables that it has not met.
      const again = make(options);
      const fresh = await again.toCore(list);
      for (const [each, of] of [
        [optimizer, core],
        [again, fresh],
      ] as const) {
        load(bytes, of);
        each.fromCore(of);
        for (let step = 5; step < 9; step++) apply(each, list, step);
        if (each === optimizer) for (let step = 5; step < 9; step++) apply(all, whole, step);
        expect(list.map(valueBits)).toEqual(whole.map(valueBits));
        expect((await stateOf(each, list))[0]).toEqual((await stateOf(all, whole))[0]);
        const { trainableVariables } = of;
        of.free();
        for (const variable of trainableVariables) variable.free();
      }
      for (const each of [optimizer, all, again]) each.dispose();
      tf.dispose([list, whole]);
    });

    it("refuses a core that does not fit, and has changed nothing", async () => {
      const list = variables();
      const optimizer = make({ momentum: 0.9 });
      apply(optimizer, list, 0);
      const before = await stateOf(optimizer, list);
      const others = [
        [make(), CheckpointError],
        [
          make({ momentum: 0.9, learningRate: new CosineDecay({ initialLearningRate: 1, decaySteps: 2 }) }),
          CheckpointError,
        ],
        [make({ momentum: 0.9, lossScale: {} }), TypeError],
      ] as const;
      for (const [other, type] of others) {
        const core = await other.toCore(list);
        expect(errorOf(() => optimizer.fromCore(core))).toBeInstanceOf(type);
        core.free();
        other.dispose();
      }
      const stranger = await make({ momentum: 0.9 }).toCore(variables());
      expect(errorOf(() => optimizer.fromCore(stranger)).message).toMatch(/has no variable/);
      expect(errorOf(() => optimizer.fromCore({} as never))).toBeInstanceOf(TypeError);
      expect(await stateOf(optimizer, list)).toEqual(before);
      optimizer.dispose();
      tf.disposeVariables();
    });
  });

  it("goes with a model that is saved and loaded", async () => {
    const model = layers.sequential({ layers: [layers.layers.dense({ inputShape: [4], units: 2 })] });
    const [x, y] = [tf.ones([8, 4]), tf.ones([8, 2])];
    const train = (trained: layers.LayersModel) => trained.fit(x, y, { epochs: 2, verbose: 0, shuffle: false });
    model.compile({ optimizer: make(ALL), loss: "meanSquaredError" });
    await train(model as layers.LayersModel);
    let artifacts: tf.io.ModelArtifacts | undefined;
    const handler = tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    });
    await model.save(handler, { includeOptimizer: true });
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(artifacts!));
    expect(loaded.optimizer.getConfig()).toMatchObject({ resident: true, momentum: 0.9 });
    await train(model as layers.LayersModel);
    await train(loaded);
    const bits = (of: layers.LayersModel) => of.getWeights().map(valueBits);
    expect(bits(loaded)).toEqual(bits(model as layers.LayersModel));
    for (const each of [model, loaded]) {
      each.optimizer.dispose();
      each.dispose();
    }
    tf.dispose([x, y]);
  });

  it("reads only in getters, where the backend can", () => {
    const [list, optimizer] = [variables(), make({ lossScale: { initialScale: 4 } })];
    apply(optimizer, list, 0);
    expect(reads(tf, () => void optimizer.lossScale)).toBe(1);
    expect(reads(tf, () => void optimizer.iterations)).toBe(1);
    expect(reads(tf, () => void optimizer.learningRate)).toBe(0);
    tf.dispose(list);
    optimizer.dispose();
    expect(backend).toBe(tf.getBackend());
  });
});

describe("options", () => {
  it("are those of the other form, and `resident`", () => {
    expect(() => rmsprop(tf, { resident: "yes" as never })).toThrow(
      'Argument `resident` must be true, false or "composed"; received "yes".',
    );
    expect(() => make({ useEma: true, emaMomentum: 2 })).toThrow(RangeError);
    expect(() => make({ unknown: 1 } as never)).toThrow(TypeError);
    expect(() => make({ lossScale: { initialScale: 0.5, minimumScale: 1 } })).toThrow(RangeError);
    expect("core" in rmsprop(tf, { resident: false })).toBe(true);
  });

  it("do not take a function as rate under a dynamic scale: the error names the other form", () => {
    const rule = /`learningRate` must be a number or a schedule under `lossScale`.*without `resident` it can/;
    expect(errorOf(() => make({ learningRate: () => 1, lossScale: {} }))).toBeInstanceOf(RangeError);
    expect(() => make({ learningRate: () => 1, lossScale: {} })).toThrow(rule);
    const optimizer = make({ lossScale: {}, learningRate: new CosineDecay({ initialLearningRate: 1, decaySteps: 2 }) });
    expect(() => {
      optimizer.learningRate = () => 1;
    }).toThrow(rule);
    optimizer.dispose();
  });

  it("make the same optimizer again from its configuration", () => {
    register(tf);
    const optimizer = make({ ...SCALED, resident: "composed" });
    const Class = optimizer.constructor as unknown as ReturnType<typeof register<typeof tf>>;
    const again = Class.fromConfig(Class, JSON.parse(JSON.stringify(optimizer.getConfig())));
    expect(again.getConfig()).toEqual(optimizer.getConfig());
    expect(again.constructor).toBe(Class);
    optimizer.dispose();
    again.dispose();
  });

  it("have types", () => {
    expectTypeOf(rmsprop(tf, { resident: true })).toEqualTypeOf<Resident>();
    expectTypeOf<Resident>().toExtend<tf.Optimizer>();
    expectTypeOf<Resident["lossScaleTensor"]>().toExtend<tf.Tensor>();
    expectTypeOf(rmsprop(tf, {}).core).toEqualTypeOf<RMSprop>();
  });
});
