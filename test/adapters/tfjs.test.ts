// RMSprop as a tf.Optimizer, in the real TensorFlow.js: the core's bits, both backends, no tensor left behind.
import {
  CheckpointError,
  ExponentialDecay,
  type LossScaleOptimizer,
  OutOfMemoryError,
  type RMSprop,
  type RMSpropOptions,
  StateError,
} from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { type RMSpropOptimizer, type RMSpropTfjsOptions, register, rmsprop } from "rmsprop-wasm/tfjs";
import { describe, expect, expectTypeOf, it } from "vitest";
import { bits, errorOf, limited, room } from "../unit/support.js";
import { gradient, gradientsOf, onBothBackends, SHAPES, start, tf, trajectory, valueBits, variables } from "./tf.js";

const OPTIONS: Readonly<Record<string, RMSpropOptions>> = {
  defaults: {},
  momentum: { learningRate: 0.01, momentum: 0.9 },
  "momentum, centered": { learningRate: 0.01, rho: 0.8, momentum: 0.5, centered: true, epsilon: 1e-5 },
  weightDecay: { weightDecay: 0.1, learningRate: 0.1 },
  clipnorm: { clipnorm: 0.5 },
  clipvalue: { clipvalue: 0.01 },
  globalClipnorm: { globalClipnorm: 0.3, momentum: 0.1 },
  "moving average that overwrites": { useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 3 },
  lossScaleFactor: { lossScaleFactor: 1024 },
  gradientAccumulationSteps: { gradientAccumulationSteps: 3, learningRate: 0.1 },
  schedule: { learningRate: new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5 }) },
  callback: { learningRate: (step) => 0.1 / (step + 1) },
  "everything at once": {
    ...{ learningRate: 0.05, momentum: 0.9, centered: true, weightDecay: 0.01, globalClipnorm: 1 },
    ...{ useEma: true, lossScaleFactor: 8, gradientAccumulationSteps: 2 },
  },
};

const seed = { learningRate: 0.1 };

onBothBackends(() => {
  describe("Keras' example", () => {
    it("word for word", () => {
      // tensors of the package @tensorflow/tfjs have their operations as methods; it makes them like this.
      const methods: object = tf.Tensor.prototype;
      Object.assign(methods, {
        square(this: tf.Tensor) {
          return tf.square(this);
        },
        div(this: tf.Tensor, by: number) {
          return tf.div(this, by);
        },
      });
      interface Chained extends tf.Scalar {
        square(): Chained;
        div(by: number): Chained;
      }
      const w = tf.tidy(() => tf.variable(tf.scalar(10))) as tf.Variable & Chained;
      const optimizer = rmsprop(tf, { learningRate: 0.1 });
      optimizer.minimize(() => w.square().div(2), [w]);
      expect(valueBits(w)).toEqual(["411af0bb"]);
      tf.dispose(w);
      optimizer.dispose();
    });

    it("in tfjs' form, which can return the loss", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const other = tf.tidy(() => tf.variable(tf.scalar(1)));
      const optimizer = rmsprop(tf, seed);
      const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
      const value = optimizer.minimize(loss, true, [w]);
      expect(value?.dataSync()).toEqual(Float32Array.of(50));
      expect(valueBits(w)).toEqual(["411af0bb"]);
      // Without a list: the variables that the loss depends on.
      expect(optimizer.minimize(loss)).toBeNull();
      expect(other.dataSync()[0]).toBe(1);
      expect(optimizer.iterations).toBe(2);
      tf.dispose([w, other, value!]);
      optimizer.dispose();
    });
  });

  describe("has the core's bits", () => {
    it.each(Object.entries(OPTIONS))("with %s", (_, options) => {
      const expected = trajectory(options, 12);
      const list = variables();
      const optimizer = rmsprop(tf, options);
      expected.forEach((wanted, step) => {
        const gradients = gradientsOf(list, step);
        // Both forms that tfjs knows.
        if (step % 2 === 0) optimizer.applyGradients(gradients);
        else optimizer.applyGradients(Object.entries(gradients).map(([name, tensor]) => ({ name, tensor })));
        expect(list.map(valueBits)).toEqual(wanted);
        tf.dispose(gradients);
      });
      tf.dispose(list);
      optimizer.dispose();
    });

    it("after a value was set from outside", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(3)));
      const optimizer = rmsprop(tf, seed);
      const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
      tf.tidy(() => w.assign(tf.scalar(10)));
      optimizer.minimize(loss, [w]);
      expect(valueBits(w)).toEqual(["411af0bb"]);
      tf.tidy(() => w.assign(tf.scalar(-1)));
      optimizer.minimize(loss, [w]);
      expect(w.dataSync()[0]).toBeLessThan(-0.9);
      tf.dispose(w);
      optimizer.dispose();
    });
  });

  it("leaves values alone that others hold: a clone keeps what it was", () => {
    const w = tf.tidy(() => tf.variable(tf.scalar(10)));
    const optimizer = rmsprop(tf, seed);
    const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
    optimizer.minimize(loss, [w]);
    const clone = w.clone();
    optimizer.minimize(loss, [w]);
    expect(valueBits(clone)).toEqual(["411af0bb"]);
    expect(valueBits(w)).not.toEqual(valueBits(clone));
    tf.dispose([w, clone]);
    optimizer.dispose();
  });

  it("keeps no tensor over 1,000 steps, and none after dispose", () => {
    const before = tf.memory().numTensors;
    const list = variables();
    const made = tf.memory().numTensors;
    const optimizer = rmsprop(tf, {
      momentum: 0.9,
      centered: true,
      weightDecay: 0.1,
      useEma: true,
      lossScaleFactor: 2,
    });
    const loss = () => tf.tidy(() => tf.addN(list.map((v) => tf.sum(tf.square(v)))) as tf.Scalar);
    for (let step = 0; step < 1000; step++) optimizer.minimize(loss, list);
    expect(tf.memory().numTensors).toBe(made);
    tf.dispose(list);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  describe("variables", () => {
    it("can be added later: the others' state is carried over in bits, theirs begins as if built then", () => {
      const options = { learningRate: 0.05, momentum: 0.9, centered: true } as const;
      const expected = trajectory(options, 6);
      const list = variables();
      const [, late] = variables();
      const optimizer = rmsprop(tf, options);
      expected.forEach((wanted, step) => {
        const gradients = gradientsOf(list, step);
        if (step >= 3) gradients[late!.name] = tf.tensor(gradient(step - 3, 1), [...SHAPES[1]]);
        optimizer.applyGradients(gradients);
        expect(list.map(valueBits)).toEqual(wanted);
        if (step >= 3) expect(valueBits(late!)).toEqual(expected[step - 3]![1]);
        tf.dispose(gradients);
      });
      tf.dispose([...list, late!]);
      optimizer.dispose();
    });

    it("that are added later begin their moving average at their value", () => {
      const [a, b] = [1, 2].map((value) => tf.tidy(() => tf.variable(tf.scalar(value))));
      const optimizer = rmsprop(tf, { useEma: true, emaMomentum: 0.5, learningRate: 0 });
      const step = (w: tf.Variable) => optimizer.minimize(() => tf.tidy(() => tf.square(w) as tf.Scalar), [w]);
      step(a!);
      step(b!);
      optimizer.finalizeVariableValues();
      expect([a!, b!].map((w) => w.dataSync()[0])).toEqual([1, 2]);
      tf.dispose([a!, b!]);
      optimizer.dispose();
    });

    it("can be frozen and thawed: without a gradient nothing of theirs changes", () => {
      const list = variables();
      const [frozen, trained] = list as [tf.Variable, tf.Variable];
      const optimizer = rmsprop(tf, { momentum: 0.9, weightDecay: 0.1 });
      const loss = () => tf.tidy(() => tf.addN(list.map((v) => tf.sum(tf.square(v)))) as tf.Scalar);
      optimizer.minimize(loss, list);
      const before = [valueBits(frozen), valueBits(trained)];
      frozen.trainable = false;
      optimizer.minimize(loss, list);
      expect(valueBits(frozen)).toEqual(before[0]);
      expect(valueBits(trained)).not.toEqual(before[1]);
      frozen.trainable = true;
      optimizer.minimize(loss, list);
      expect(valueBits(frozen)).not.toEqual(before[0]);
      tf.dispose(list);
      optimizer.dispose();
    });

    it("that were disposed of give way, and a new one of the same name begins anew", async () => {
      const optimizer = rmsprop(tf, seed);
      const results = [0, 1].map(() => {
        const w = tf.tidy(() => tf.variable(tf.scalar(10), true, "again"));
        optimizer.minimize(() => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar), [w]);
        const result = valueBits(w);
        w.dispose();
        return result;
      });
      expect(results).toEqual([["411af0bb"], ["411af0bb"]]);
      expect((await optimizer.getWeights()).map(({ name }) => name)).toEqual([
        "iter",
        "learning_rate",
        "again/velocity",
      ]);
      optimizer.dispose();
    });

    it("can be kept from weight decay, by themselves or by name, also before they are met", () => {
      const list = ["kernel", "bias", "scale"].map((name) => tf.tidy(() => tf.variable(tf.scalar(1), true, name)));
      const optimizer = rmsprop(tf, { learningRate: 0.5, weightDecay: 0.5, epsilon: 1 });
      optimizer.excludeFromWeightDecay({ variables: [list[2]!], names: ["bias"] });
      const zeros = Object.fromEntries(list.map(({ name }) => [name, tf.scalar(0)]));
      optimizer.applyGradients(zeros);
      expect(list.map((w) => w.dataSync()[0])).toEqual([0.75, 1, 1]);
      expect(() => optimizer.excludeFromWeightDecay({ names: ["("] })).toThrow(RangeError);
      tf.dispose([list, zeros]);
      optimizer.dispose();
    });
  });

  it("the core says what the last step did, also when variables are added after it", () => {
    const list = variables();
    const optimizer = rmsprop(tf, { ...seed, measure: { gradientNorm: true }, lossScale: { initialScale: 4 } });
    expect(optimizer.core.lastStep).toBeNull();
    tf.tidy(() => optimizer.applyGradients({ [list[1]!.name]: tf.fill([9], 4) }));
    const { lastStep } = optimizer.core;
    expect(lastStep!.toJSON()).toMatchObject({ outcome: "updated", gradientNorm: 3, lossScale: 4 });
    tf.tidy(() => optimizer.applyGradients({ [list[0]!.name]: tf.fill([3, 7], Number.NaN) }));
    expect(optimizer.core.lastStep).toBe(lastStep);
    expect(lastStep!.outcome).toBe("skipped");
    expect(lastStep!.firstNonFinite).toEqual({ path: list[0]!.name, index: 0 });
    expect(optimizer.getConfig()).not.toHaveProperty("measure");
    tf.dispose(list);
    optimizer.dispose();
  });

  describe("loss scale", () => {
    it("scales the loss for the gradients, and not the loss that is returned", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const optimizer = rmsprop(tf, { ...seed, lossScale: { initialScale: 1024 } });
      const before = tf.memory().numTensors;
      const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
      expect(optimizer.lossScale).toBe(1024);
      const { value, grads } = optimizer.computeGradients(loss, [w]);
      expect([value.dataSync()[0], grads[w.name]!.dataSync()[0]]).toEqual([50, 10240]);
      optimizer.applyGradients(grads);
      expect(valueBits(w)).toEqual(["411af0bb"]);
      tf.dispose([value, grads]);
      tf.tidy(() => void optimizer.minimize(loss, true, [w]));
      expect(tf.memory().numTensors).toBe(before);

      const infinite = { [w.name]: tf.scalar(Number.POSITIVE_INFINITY) };
      const held = valueBits(w);
      optimizer.applyGradients(infinite);
      expect([valueBits(w), optimizer.lossScale, optimizer.iterations]).toEqual([held, 512, 2]);
      tf.dispose([w, infinite]);
      optimizer.dispose();
    });
  });

  describe("errors come before effects", () => {
    it.each([
      ["an unknown variable", StateError, () => ({ nobody: tf.scalar(1) })],
      ["a gradient of another shape", RangeError, (name: string) => ({ [name]: tf.zeros([2]) })],
      ["a gradient of integers", TypeError, (name: string) => ({ [name]: tf.scalar(1, "int32") })],
      ["no gradient at all", RangeError, (name: string) => [{ name, tensor: null as unknown as tf.Tensor }]],
      ["no container", TypeError, () => 5 as unknown as tf.NamedTensorMap],
    ])("%s", (_, type, gradients) => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const optimizer = rmsprop(tf, seed);
      const made = gradients(w.name);
      expect(errorOf(() => optimizer.applyGradients(made))).toBeInstanceOf(type);
      expect([w.dataSync()[0], optimizer.iterations]).toEqual([10, 0]);
      tf.dispose([w, made as tf.NamedTensorMap]);
      optimizer.dispose();
    });

    it("a callback that throws: nothing has changed, and no tensor is left", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const before = tf.memory().numTensors;
      const optimizer = rmsprop(tf, {
        learningRate: () => {
          throw new OutOfMemoryError("on purpose");
        },
      });
      const loss = () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
      expect(() => optimizer.minimize(loss, [w])).toThrow("on purpose");
      expect(() => optimizer.minimize(loss, true, [w])).toThrow("on purpose");
      expect([w.dataSync()[0], optimizer.iterations, tf.memory().numTensors]).toEqual([10, 0, before]);
      w.dispose();
      optimizer.dispose();
    });

    it("a step that fails has met nobody, and state that waits goes on waiting", async () => {
      let fails = false;
      const options = {
        useEma: true,
        emaMomentum: 0.5,
        momentum: 0.9,
        learningRate: () => {
          if (fails) throw new EvalError("on purpose");
          return 0.1;
        },
      } as const;
      const make = (name: string, value: number) => tf.tidy(() => tf.variable(tf.scalar(value), true, name));
      const weightsOf = async (optimizer: ReturnType<typeof rmsprop>) =>
        (await optimizer.getWeights()).map(({ name, tensor }) => [name, valueBits(tensor as tf.Tensor)]);
      const one = tf.scalar(1);
      const [first, known] = [make("first", 1), make("known", 2)];
      const trained = rmsprop(tf, options);
      trained.applyGradients({ first: one, known: one });
      const weights = (await trained.getWeights()).map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));

      const optimizer = rmsprop(tf, options);
      await optimizer.setWeights(weights);
      const waiting = await weightsOf(optimizer);
      // It would find the state of `first`, and `late` would be new.
      first.dispose();
      const [again, late] = [make("first_7", 5), make("late", 6)];
      const [gone, alive] = [tf.scalar(1), rmsprop(tf, options)];
      gone.dispose();
      for (const [gradients, type] of [
        [[{ name: "first_7", tensor: null }], RangeError],
        [
          [
            { name: "first_7", tensor: one },
            { name: "first_7", tensor: one },
          ],
          RangeError,
        ],
        [
          [
            { name: "first_7", tensor: one },
            { name: "late", tensor: gone },
          ],
          Error,
        ],
      ] as const) {
        expect(errorOf(() => optimizer.applyGradients(gradients as never))).toBeInstanceOf(type);
        expect(await weightsOf(optimizer)).toEqual(waiting);
      }
      fails = true;
      expect(() => optimizer.applyGradients({ first_7: one, late: one })).toThrow("on purpose");
      expect(await weightsOf(optimizer)).toEqual(waiting);
      fails = false;
      // It is as if nothing had been tried: the average of a new variable begins at the value it has now.
      await alive.setWeights(weights);
      late.assign(tf.scalar(100));
      for (const each of [optimizer, alive]) {
        tf.tidy(() => {
          again.assign(tf.scalar(5));
          late.assign(tf.scalar(100));
          known.assign(tf.scalar(2));
        });
        each.applyGradients({ late: one, known: one });
        each.applyGradients({ first_7: one });
      }
      expect(await weightsOf(optimizer)).toEqual(await weightsOf(alive));
      tf.dispose([again, known, late, one, weights]);
      for (const each of [trained, optimizer, alive]) each.dispose();
    });

    it("a learning rate that disposes, and one that disposes of the optimizer", async () => {
      let act = () => {};
      const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2]), true, "acted"));
      const optimizer = rmsprop(tf, {
        learningRate: () => {
          act();
          return 0.1;
        },
      });
      const step = (gradient: tf.Tensor) => optimizer.applyGradients({ acted: gradient });
      const ones = tf.tensor1d([1, 1]);
      step(ones);
      const weights = await optimizer.getWeights();
      const before = [valueBits(w), valueBits(weights[1]!.tensor as tf.Tensor)];
      act = () => optimizer.dispose();
      expect(() => step(ones)).toThrow(StateError);
      act = () => ones.dispose();
      expect(() => step(ones)).toThrow(/disposed/);
      expect([valueBits(w), valueBits(weights[1]!.tensor as tf.Tensor)]).toEqual(before);
      act = () => {};
      const twos = tf.tensor1d([2, 2]);
      step(twos);
      expect(optimizer.iterations).toBe(2);
      tf.dispose([w, twos]);
      optimizer.dispose();
    });

    it("a learning rate that sets another, which stays", () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(1)));
      const optimizer = rmsprop(tf, {
        learningRate: () => {
          optimizer.learningRate = () => 0.5;
          return 0.1;
        },
      });
      tf.tidy(() => optimizer.applyGradients({ [w.name]: tf.scalar(1) }));
      expect(optimizer.learningRate).toBe(0.5);
      w.dispose();
      optimizer.dispose();
    });

    it("a learning rate that computes with tfjs, whose memory moves then", () => {
      const kept: tf.Tensor[] = [];
      const [w, plain] = [1, 1].map((value) => tf.tidy(() => tf.variable(tf.fill([10], value)))) as tf.Variable[];
      const computing = rmsprop(tf, {
        learningRate: () => {
          kept.push(tf.keep(tf.zeros([4_000_000])));
          return 0.1;
        },
      });
      const optimizer = rmsprop(tf, seed);
      for (let step = 0; step < 6; step++) {
        tf.tidy(() => computing.applyGradients({ [w!.name]: tf.ones([10]) }));
        tf.tidy(() => optimizer.applyGradients({ [plain!.name]: tf.ones([10]) }));
        expect(valueBits(w!)).toEqual(valueBits(plain!));
      }
      tf.dispose([kept, w!, plain!]);
      for (const each of [computing, optimizer]) each.dispose();
    });

    it("an argument that is none is named", () => {
      const optimizer = rmsprop(tf, seed);
      expect(() => optimizer.applyGradients([null as never])).toThrow(/`gradients\[0\]` must be \{ name, tensor \}/);
      expect(() => optimizer.applyGradients(new Array(1))).toThrow(/`gradients\[0\]` must be/);
      expect(() => optimizer.applyGradients({ toString: tf.scalar(1) } as never)).toThrow(
        /tfjs knows no variable "toString"/,
      );
      for (const variables of [[5], [null], new Array(1), [{ name: "w" }]]) {
        const exclude = () => optimizer.excludeFromWeightDecay({ variables: variables as never });
        expect(exclude).toThrow(/`variables\[0\]` must be a tf\.Variable; received/);
      }
      optimizer.dispose();
    });

    it("no room: what was allocated is given back at once", async () => {
      const w = tf.tidy(() => tf.variable(tf.zeros([50_000]), true, "large"));
      const optimizer = rmsprop(tf, { momentum: 0.9 });
      tf.tidy(() => optimizer.applyGradients({ large: tf.ones([50_000]) }));
      const restore = limited(2_300_000);
      try {
        const before = [room(), valueBits((await optimizer.getWeights())[2]!.tensor as tf.Tensor)];
        const others = [40_000, 120_000, 200_000].map((size) => tf.tidy(() => tf.variable(tf.zeros([size]))));
        const gradients = others.map(({ name, size }) => ({ name, tensor: tf.ones([size]) }));
        // The variables do not fit, or only the state does not.
        for (const list of [[gradients[0]!, gradients[2]!], [gradients[1]!]]) {
          expect(errorOf(() => optimizer.applyGradients(list))).toBeInstanceOf(OutOfMemoryError);
          expect(room()).toBe(before[0]);
        }
        const large = ["velocity", "momentum"].map((slot) => ({ name: `other/${slot}`, tensor: tf.zeros([400_000]) }));
        const weights = (await optimizer.getWeights()).map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));
        await expect(optimizer.setWeights([...weights, ...large])).rejects.toBeInstanceOf(OutOfMemoryError);
        expect([room(), valueBits((await optimizer.getWeights())[2]!.tensor as tf.Tensor)]).toEqual(before);
        tf.dispose([others, gradients.map(({ tensor }) => tensor)]);
        tf.dispose([...weights, ...large].map(({ tensor }) => tensor));
      } finally {
        restore();
      }
      w.dispose();
      optimizer.dispose();
    });

    it("weights that lack a variable that is trained", async () => {
      const list = ["here", "there"].map((name) => tf.tidy(() => tf.variable(tf.scalar(1), true, name)));
      const one = tf.scalar(1);
      const optimizer = rmsprop(tf, seed);
      optimizer.applyGradients({ here: one, there: one });
      const weights = (await optimizer.getWeights()).map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));
      const before = weights.map(({ name, tensor }) => [name, valueBits(tensor)]);
      for (const lacking of ["there/", "/"]) {
        const rest = weights.filter(({ name }) => !name.includes(lacking));
        const error = await optimizer.setWeights(rest).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(CheckpointError);
        expect(String(error)).toMatch(/The weights have no state for .*"there", which the optimizer trains/);
      }
      await expect(optimizer.setWeights(new Array(1))).rejects.toThrow(/`weights` must be an array of/);
      expect((await optimizer.getWeights()).map(({ name, tensor }) => [name, valueBits(tensor as tf.Tensor)])).toEqual(
        before,
      );
      tf.dispose([list, one, weights]);
      optimizer.dispose();
    });

    it("weights that do not fit, whatever is wrong with them", async () => {
      const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2]), true, "w"));
      const optimizer = rmsprop(tf, seed);
      optimizer.applyGradients({ w: tf.tensor1d([3, 4]) });
      const weights = (await optimizer.getWeights()).map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));
      const state = async () => (await optimizer.getWeights()).map(({ tensor }) => [...tensor.dataSync()]);
      const before = await state();
      const shorter = Object.assign(tf.tensor1d([1, 2]), { data: async () => Float32Array.of(1) });
      const changed = (name: string, tensor: unknown) =>
        weights.map((weight) => (weight.name === name ? { name, tensor: tensor as tf.Tensor } : weight));
      for (const [wrong, type] of [
        [changed("iter", tf.scalar(Number.NaN)), CheckpointError],
        [changed("iter", tf.scalar(-3)), CheckpointError],
        [changed("learning_rate", tf.scalar(Number.POSITIVE_INFINITY)), CheckpointError],
        [changed("w/velocity", tf.tensor1d([1, 2, 3])), CheckpointError],
        [changed("w/velocity", shorter), CheckpointError],
        [[...weights, { name: "__proto__", tensor: tf.scalar(1) }], CheckpointError],
        [changed("w/velocity", undefined), TypeError],
      ] as const) {
        await expect(optimizer.setWeights([...wrong])).rejects.toBeInstanceOf(type);
        expect(await state()).toEqual(before);
      }
      w.dispose();
      optimizer.dispose();
    });

    it("after dispose", async () => {
      const w = tf.tidy(() => tf.variable(tf.scalar(10)));
      const optimizer = rmsprop(tf);
      optimizer.dispose();
      expect(() => optimizer.minimize(() => tf.tidy(() => tf.square(w) as tf.Scalar), [w])).toThrow(StateError);
      await expect(optimizer.getWeights()).rejects.toThrow(StateError);
      w.dispose();
    });
  });

  it("centered: tfjs' own gives NaN where the gradient is at most 1e-3, and this one does not", () => {
    for (const size of [1e-3, -1e-4, 1e-6]) {
      const [theirs, ours] = [0, 1].map(() => tf.tidy(() => tf.variable(tf.scalar(1)))) as [tf.Variable, tf.Variable];
      const own = tf.train.rmsprop(0.001, 0.9, 0, 1e-7, true);
      const optimizer = rmsprop(tf, { centered: true });
      tf.tidy(() => own.applyGradients({ [theirs.name]: tf.scalar(size) }));
      tf.tidy(() => optimizer.applyGradients({ [ours.name]: tf.scalar(size) }));
      expect(theirs.dataSync()[0]).toBeNaN();
      expect(Math.sign(1 - ours.dataSync()[0]!)).toBe(Math.sign(size));
      tf.dispose([theirs, ours]);
      own.dispose();
      optimizer.dispose();
    }
  });
});

it("takes tensors of another backend than the one in use", async () => {
  const expected = trajectory({}, 2);
  await tf.setBackend("cpu");
  const list = variables();
  const [first, second] = [0, 1].map((step) => gradientsOf(list, step));
  const optimizer = rmsprop(tf);
  await tf.setBackend("wasm");
  optimizer.applyGradients(first!);
  expect(list.map(valueBits)).toEqual(expected[0]);
  await tf.setBackend("cpu");
  optimizer.applyGradients(second!);
  expect(list.map(valueBits)).toEqual(expected[1]);
  tf.dispose([list, first!, second!]);
  optimizer.dispose();
});

describe("the class", () => {
  it("is a real tf.Optimizer, one for each tf", () => {
    const optimizer = rmsprop(tf);
    // tfjs' own `instanceof` looks only for methods, since two copies of a class are none.
    expect(optimizer).toBeInstanceOf(tf.Optimizer);
    expect(Object.prototype.isPrototypeOf.call(tf.Optimizer.prototype, register(tf).prototype)).toBe(true);
    expect(optimizer.constructor).toBe(register({ ...tf }));
    expect(optimizer.getClassName()).toBe("RMSpropWasm");
    expect(optimizer.constructor.name).toBe("RMSpropWasm");
    expectTypeOf(optimizer).toExtend<tf.Optimizer>();
    expectTypeOf(optimizer.minimize).toBeCallableWith(() => tf.scalar(1), true, [] as tf.Variable[]);
    expectTypeOf(optimizer.minimize).toBeCallableWith(() => tf.scalar(1), [] as tf.Variable[]);
    expectTypeOf(optimizer.minimize).toBeCallableWith(() => tf.scalar(1), [] as readonly tf.Variable[]);
    optimizer.dispose();
  });

  it("does not take what is not tfjs", () => {
    for (const other of [undefined, {}, tf.train]) {
      expect(() => rmsprop(other as unknown as typeof tf)).toThrow(TypeError);
    }
  });

  it("checks options as RMSprop does", () => {
    expect(() => rmsprop(tf, { gradientAccumulationSteps: 1 })).toThrow(RangeError);
    expect(() => rmsprop(tf, { rate: 1 } as object)).toThrow(TypeError);
    expect(() => rmsprop(tf, { lossScale: { initialScale: Number.NaN } })).toThrow(RangeError);
    class Settings {
      get rho(): number {
        return 0.5;
      }
    }
    const optimizer = rmsprop(tf, new Settings());
    expect(optimizer.core.rho).toBe(0.5);
    optimizer.dispose();
  });

  it("has one scale, static or dynamic, which says what the core is", () => {
    const [plain, scaled] = [rmsprop(tf, { lossScaleFactor: 5 }), rmsprop(tf, { lossScale: {} })];
    expectTypeOf(plain.core).toEqualTypeOf<RMSprop>();
    expectTypeOf(scaled.core).toEqualTypeOf<LossScaleOptimizer>();
    const options: RMSpropTfjsOptions = {};
    const either = rmsprop(tf, options as RMSpropTfjsOptions);
    expectTypeOf(either.core).toEqualTypeOf<RMSprop | LossScaleOptimizer>();
    expectTypeOf(either).toEqualTypeOf<RMSpropOptimizer<typeof tf>>();
    expect([plain.lossScale, scaled.core.innerOptimizer.lossScaleFactor]).toEqual([5, null]);
    // @ts-expect-error two scales
    const both = () => rmsprop(tf, { lossScaleFactor: 5, lossScale: {} });
    expect(both).toThrow("Argument `lossScaleFactor` must be null beside lossScale");
    // @ts-expect-error of which tfjs?
    expectTypeOf<RMSpropOptimizer>();
    for (const optimizer of [plain, scaled, either]) optimizer.dispose();
  });

  it("says what is an object of options", () => {
    // As in tf.train.rmsprop(rate, …).
    expect(() => rmsprop(tf, 0.1 as never)).toThrow(/`options` must be an object, such as \{ learningRate: … \}/);
  });

  it("does not take tfjs' `decay`, which is Keras' `rho`, for Keras' retired `decay`", () => {
    const theirs = tf.train.rmsprop(0.1, 0.95, 0.5, 1e-7, true);
    const RMSpropWasm = register(tf);
    expect(() => RMSpropWasm.fromConfig(RMSpropWasm, theirs.getConfig())).toThrow(
      /`decay` is not an option: ρ is `rho`/,
    );
    theirs.dispose();
    // The mapping in docs/tfjs.md.
    const options = { learningRate: 0.1, rho: 0.95, momentum: 0.5, epsilon: 1e-7, centered: true };
    const loss = (w: tf.Variable) => () => tf.tidy(() => tf.div(tf.square(w), 2) as tf.Scalar);
    const [a, b] = [tf.variable(tf.scalar(10)), tf.variable(tf.scalar(10))];
    const [tfjs, ours] = [tf.train.rmsprop(0.1, 0.95, 0.5, 1e-7, true), rmsprop(tf, options)];
    for (let step = 0; step < 10; step++) {
      tfjs.minimize(loss(a), false, [a]);
      ours.minimize(loss(b), [b]);
    }
    expect(b.dataSync()[0]).toBeCloseTo(a.dataSync()[0]!, 4);
    tf.dispose([a, b]);
    tfjs.dispose();
    ours.dispose();
  });

  it("has a learning rate that can be set, and the core's hyper-parameters", () => {
    const [w] = variables();
    const optimizer = rmsprop(tf, { learningRate: 1 });
    const gradients = gradientsOf([w!], 0);
    optimizer.applyGradients(gradients);
    const before = valueBits(w!);
    optimizer.learningRate = 0;
    optimizer.applyGradients(gradients);
    expect([valueBits(w!), optimizer.learningRate]).toEqual([before, 0]);
    expect(optimizer.core.slot("velocity", optimizer.core.trainableVariables[0]!)).toHaveLength(21);
    expect(bits(start(0))).not.toEqual(before);
    tf.dispose([w!, gradients]);
    optimizer.dispose();
  });
});

onBothBackends(() => {
  describe("writing back", () => {
    it.each(["tensor", "assign"] as const)("that fails changes nothing: %s", async (what) => {
      for (const options of [
        { momentum: 0.9 },
        { useEma: true, emaOverwriteFrequency: 2, lossScale: { initialScale: 4 } },
      ]) {
        const list = variables();
        const optimizer = rmsprop(tf, options);
        const apply = (step: number) => {
          const gradients = gradientsOf(list, step);
          try {
            optimizer.applyGradients(gradients);
          } finally {
            tf.dispose(gradients);
          }
        };
        for (let step = 0; step < 3; step++) apply(step);
        const state = async () => [
          list.map(valueBits),
          (await optimizer.getWeights()).map(({ name, tensor }) => [name, [...tensor.dataSync()]]),
        ];
        const before = await state();
        const { numTensors } = tf.memory();
        for (let at = 0; at < list.length; at++) {
          let calls = 0;
          const fail = () => {
            if (calls++ === at) throw new OutOfMemoryError("on purpose");
          };
          const gradients = gradientsOf(list, 3);
          const backend = tf.backend() as unknown as { write(...args: unknown[]): object };
          const [write, assigns] = [backend.write, list.map((variable) => variable.assign)];
          if (what === "tensor") {
            backend.write = function (...args) {
              fail();
              return write.apply(this, args);
            };
          } else {
            for (const [i, variable] of list.entries()) {
              variable.assign = (value) => {
                fail();
                assigns[i]!.call(variable, value as never);
              };
            }
          }
          try {
            expect(errorOf(() => optimizer.applyGradients(gradients)).message).toBe("on purpose");
          } finally {
            backend.write = write;
            for (const [i, variable] of list.entries()) variable.assign = assigns[i]!;
            tf.dispose(gradients);
          }
          expect(await state()).toEqual(before);
          expect(tf.memory().numTensors).toBe(numTensors);
        }
        tf.dispose(list);
        optimizer.dispose();
      }
    });
  });

  it("goes into a checkpoint by toCore, and comes back by fromCore", async () => {
    const [list, whole] = [variables(), variables()];
    const [optimizer, all] = [rmsprop(tf, { momentum: 0.9 }), rmsprop(tf, { momentum: 0.9 })];
    const apply = (to: tf.Optimizer, of: tf.Variable[], step: number) => {
      const gradients = gradientsOf(of, step);
      to.applyGradients(gradients);
      tf.dispose(gradients);
    };
    for (let step = 0; step < 3; step++) {
      apply(optimizer, list, step);
      apply(all, whole, step);
    }
    expect(() => save(optimizer as never)).toThrow(/must be what `await optimizer.toCore\(variables\)` gives/);
    const bytes = save(await optimizer.toCore());
    apply(optimizer, list, 7);
    const again = rmsprop(tf, { momentum: 0.9 });
    const core = await again.toCore(list);
    load(bytes, core);
    again.fromCore(core);
    expect(list.map(valueBits)).toEqual(whole.map(valueBits));
    for (let step = 3; step < 6; step++) {
      apply(again, list, step);
      apply(all, whole, step);
    }
    expect(list.map(valueBits)).toEqual(whole.map(valueBits));
    expect(() => again.fromCore(optimizer.core)).toThrow(TypeError);
    for (const each of [optimizer, all, again]) each.dispose();
    tf.dispose([list, whole]);
  });
});
