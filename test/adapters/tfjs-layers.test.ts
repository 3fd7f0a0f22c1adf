// The optimizer in models of tfjs-layers: compile, fit, save, load; and its weights, saved and put back.
import * as layers from "@tensorflow/tfjs-layers";
import { CheckpointError, ExponentialDecay } from "rmsprop-wasm";
import { type RMSpropTfjsOptions, register, rmsprop } from "rmsprop-wasm/tfjs";
import { describe, expect, it } from "vitest";
import { noise } from "../unit/support.js";
import { gradientsOf, onBothBackends, tf, valueBits, variables } from "./tf.js";

const OPTIONS: RMSpropTfjsOptions = {
  learningRate: new ExponentialDecay({ initialLearningRate: 0.02, decaySteps: 5, decayRate: 0.5 }),
  ...{ momentum: 0.5, centered: true, weightDecay: 0.01, globalClipnorm: 1, useEma: true, emaMomentum: 0.9 },
};

/** A small model with weights that are the same every time. */
function model(): layers.Sequential {
  const made = layers.sequential();
  made.add(layers.layers.dense({ inputShape: [4], units: 6, activation: "tanh" }));
  made.add(layers.layers.dense({ units: 3, activation: "softmax" }));
  const weights = made.getWeights().map(({ shape }, i) =>
    tf.tensor(
      noise(
        shape.reduce((a, b) => a * b, 1),
        i,
      ),
      shape,
    ),
  );
  made.setWeights(weights);
  tf.dispose(weights);
  return made;
}

const loss = "categoricalCrossentropy";
const inputs = () => tf.tensor(noise(20 * 4, 5), [20, 4]);
const targets = () =>
  tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 20 }, (_, i) => i % 3),
      "int32",
    ),
    3,
  );

async function train(trained: layers.LayersModel, epochs: number): Promise<number[]> {
  const [x, y] = [inputs(), tf.tidy(targets)];
  const history = await trained.fit(x, y, { epochs, batchSize: 10, shuffle: false, verbose: 0 });
  tf.dispose([x, y]);
  return history.history["loss"] as number[];
}

const weightBits = (trained: layers.LayersModel) => trained.getWeights().map(valueBits);

/** What a file would hold: JSON and bytes. */
async function saved(trained: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  const handler = tf.io.withSaveHandler(async (given) => {
    const { weightData, ...rest } = given;
    artifacts = { ...JSON.parse(JSON.stringify(rest)), weightData };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  });
  await trained.save(handler, { includeOptimizer: true });
  return artifacts!;
}

const loaded = (artifacts: tf.io.ModelArtifacts) => layers.loadLayersModel(tf.io.fromMemory(artifacts));

onBothBackends(() => {
  it("fit trains, and comes where tfjs' own comes with the options that it has", async () => {
    const [own, ours] = [model(), model()];
    own.compile({ optimizer: tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7), loss });
    const optimizer = rmsprop(tf, { learningRate: 0.01, momentum: 0.5 });
    ours.compile({ optimizer, loss, metrics: ["accuracy"] });
    const [theirs, losses] = [await train(own, 8), await train(ours, 8)];
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.9);
    losses.forEach((value, i) => void expect(value).toBeCloseTo(theirs[i]!, 4));
    expect(optimizer.iterations).toBe(16);
    own.dispose();
    ours.dispose();
    optimizer.dispose();
  });

  it("fit keeps no tensor", async () => {
    const trained = model();
    const optimizer = rmsprop(tf, OPTIONS);
    trained.compile({ optimizer, loss });
    await train(trained, 1);
    const before = tf.memory().numTensors;
    await train(trained, 5);
    expect(tf.memory().numTensors).toBe(before);
    trained.dispose();
    optimizer.dispose();
  });

  it.each<[string, RMSpropTfjsOptions]>([
    ["a schedule and all kinds of state", OPTIONS],
    ["a rate and an accumulation window", { learningRate: 0.02, gradientAccumulationSteps: 3 }],
    ["a loss scale", { learningRate: 0.02, lossScale: { initialScale: 8, dynamicGrowthSteps: 3, maximumScale: 64 } }],
  ])("saved and loaded, a model continues with the same bits: %s", async (_, options) => {
    const whole = model();
    const optimizers = [rmsprop(tf, options)];
    whole.compile({ optimizer: optimizers[0]!, loss });
    await train(whole, 5);

    const first = model();
    optimizers.push(rmsprop(tf, options));
    first.compile({ optimizer: optimizers[1]!, loss });
    await train(first, 2);
    // The first model is still there, so the second one's variables have other names.
    const second = await loaded(await saved(first));
    await train(second, 3);
    expect(second.optimizer.constructor).toBe(register(tf));
    expect(weightBits(second)).toEqual(weightBits(whole));
    expect(second.optimizer.iterations).toBe(optimizers[0]!.iterations);
    const state = async (of: tf.Optimizer) =>
      (await of.getWeights()).map(({ tensor }) => (tensor.dtype === "int32" ? tensor.dataSync() : valueBits(tensor)));
    expect(await state(second.optimizer)).toEqual(await state(optimizers[0]!));

    // Saved again without a step, it is the same file.
    const third = await loaded(await saved(second));
    const [a, b] = [await saved(second), await saved(third)];
    expect(b.weightData).toEqual(a.weightData);
    expect(b.trainingConfig).toEqual(a.trainingConfig);
    for (const { optimizer } of [second, third]) optimizer.dispose();
    for (const optimizer of optimizers) optimizer.dispose();
    for (const made of [whole, first, second, third]) made.dispose();
  });

  it("a layer can be frozen after loading: the others find their state", async () => {
    const first = model();
    const optimizer = rmsprop(tf, OPTIONS);
    first.compile({ optimizer, loss });
    await train(first, 2);
    const second = await loaded(await saved(first));
    second.layers[0]!.trainable = false;
    second.compile({ optimizer: second.optimizer, loss });
    first.layers[0]!.trainable = false;
    first.compile({ optimizer, loss });
    await train(first, 2);
    await train(second, 2);
    expect(weightBits(second)).toEqual(weightBits(first));
    for (const trained of [first, second]) {
      trained.optimizer.dispose();
      trained.dispose();
    }
  });

  it("saving again and again keeps no more than one copy of the state", async () => {
    const trained = model();
    const optimizer = rmsprop(tf, OPTIONS);
    trained.compile({ optimizer, loss });
    await train(trained, 1);
    const before = tf.memory().numTensors;
    await saved(trained);
    const once = tf.memory().numTensors;
    for (let i = 0; i < 10; i++) await saved(trained);
    expect(tf.memory().numTensors).toBe(once);
    trained.dispose();
    optimizer.dispose();
    // Four weights of the model, and all of the state.
    expect(tf.memory().numTensors).toBe(before - 4);
  });
});

describe("configuration", () => {
  it("makes the same optimizer again, also from a file", () => {
    const optimizer = rmsprop(tf, {
      ...OPTIONS,
      lossScaleFactor: null,
      lossScale: { initialScale: 8, minimumScale: 1 },
    });
    const config = optimizer.getConfig();
    const Class = register(tf);
    const again = Class.fromConfig(Class, JSON.parse(JSON.stringify(config)));
    expect(again.getConfig()).toEqual(config);
    expect([again.learningRate, again.lossScale]).toEqual([optimizer.learningRate, 8]);
    optimizer.dispose();
    again.dispose();
  });

  it("cannot bring a function back", () => {
    const Class = register(tf);
    const optimizer = rmsprop(tf, { learningRate: () => 1 });
    expect(() => Class.fromConfig(Class, optimizer.getConfig())).toThrow(/was a function/);
    optimizer.dispose();
  });

  it("is refused where tfjs does not know the class: by tfjs, aloud", async () => {
    const trained = model();
    const optimizer = rmsprop(tf);
    trained.compile({ optimizer, loss });
    const artifacts = await saved(trained);
    const config = artifacts.trainingConfig!.optimizer_config as { class_name: string };
    expect(config.class_name).toBe("RMSpropWasm");
    config.class_name = "AnotherWasm";
    await expect(loaded(artifacts)).rejects.toThrow(/Unknown .*AnotherWasm/);
    optimizer.dispose();
    trained.dispose();
  });
});

describe("weights", () => {
  const options = { learningRate: 0.1, momentum: 0.9, centered: true } as const;
  const trained = (steps: number, with_: RMSpropTfjsOptions = options, list = variables()) => {
    const optimizer = rmsprop(tf, with_);
    for (let step = 0; step < steps; step++) apply(optimizer, list, step);
    return { optimizer, list };
  };
  const apply = (optimizer: tf.Optimizer, list: readonly tf.Variable[], step: number) => {
    const gradients = gradientsOf(list, step);
    optimizer.applyGradients(gradients);
    tf.dispose(gradients);
  };
  const copies = async (of: tf.Optimizer) =>
    (await of.getWeights()).map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));

  it("are tfjs' counter, the rate, and the slots by name", async () => {
    const { optimizer, list } = trained(2);
    const names = list.map(({ name }) => name);
    const weights = await optimizer.getWeights();
    expect(weights.map(({ name, tensor }) => [name, tensor.dtype, tensor.shape])).toEqual([
      ["iter", "int32", []],
      ["learning_rate", "float32", []],
      ...["velocity", "momentum", "average_gradient"].flatMap((slot) =>
        names.map((name, i) => [`${name}/${slot}`, "float32", list[i]!.shape]),
      ),
    ]);
    expect(weights[0]!.tensor.dataSync()).toEqual(Int32Array.of(2));
    optimizer.dispose();
    expect(weights.every(({ tensor }) => tensor.isDisposed)).toBe(true);
    tf.dispose(list);
  });

  it("can be gone back to", async () => {
    const { optimizer, list } = trained(3);
    const [weights, values] = [await copies(optimizer), list.map((v) => v.clone())];
    apply(optimizer, list, 3);
    const wanted = list.map(valueBits);
    apply(optimizer, list, 4);
    await optimizer.setWeights(weights);
    list.forEach((v, i) => void v.assign(values[i]!));
    apply(optimizer, list, 3);
    expect(list.map(valueBits)).toEqual(wanted);
    optimizer.dispose();
    tf.dispose([list, values, weights.map(({ tensor }) => tensor)]);
  });

  it.each([0.9, 0])("of tfjs' own RMSProp continue its run, with momentum %s", async (momentum) => {
    const list = variables();
    const own = tf.train.rmsprop(0.1, 0.9, momentum, 1e-7);
    for (let step = 0; step < 3; step++) apply(own, list, step);
    const [weights, values] = [await own.getWeights(), list.map((v) => v.clone())];
    const optimizer = rmsprop(tf, { learningRate: 0.1, momentum });
    await optimizer.setWeights(weights);
    expect(optimizer.iterations).toBe(3);
    apply(optimizer, list, 3);
    const ours = list.map((v) => v.clone());
    list.forEach((v, i) => void v.assign(values[i]!));
    apply(own, list, 3);
    list.forEach((v, i) => {
      expect(tf.tidy(() => tf.max(tf.abs(tf.sub(v, ours[i]!))).dataSync()[0]!)).toBeLessThan(1e-6);
    });
    tf.dispose([list, values, ours, weights[0]!.tensor]);
    own.dispose();
    optimizer.dispose();
  });

  it('of tfjs\' own RMSProp with momentum are refused with `momentumMode: "torch"`', async () => {
    const list = variables();
    const own = tf.train.rmsprop(0.1, 0.9, 0.9, 1e-7);
    apply(own, list, 0);
    const weights = await own.getWeights();
    const optimizer = rmsprop(tf, { momentum: 0.9, momentumMode: "torch" });
    await expect(optimizer.setWeights(weights)).rejects.toThrow(/has the learning rate in it.*`momentumMode: "keras"`/);
    expect(optimizer.iterations).toBe(0);
    const without = rmsprop(tf, { momentumMode: "torch" });
    await without.setWeights(weights);
    expect(without.iterations).toBe(1);
    tf.dispose([list, weights[0]!.tensor]);
    for (const each of [own, optimizer, without]) each.dispose();
  });

  type Named = Awaited<ReturnType<tf.Optimizer["getWeights"]>>[number];
  const named = (name: string, tensor: tf.Tensor): Named => ({ name, tensor });
  it.each<[string, (weights: Named[]) => Named[], RegExp]>([
    ["one is missing", (weights) => weights.slice(0, -1), /have no average_gradient/],
    ["the counter is missing", (weights) => weights.slice(1), /no "iter"/],
    ["the rate is missing", ([iter, , ...rest]) => [iter!, ...rest], /no "learning_rate"/],
    ["one is unknown", (weights) => [...weights, named("a/rho", tf.scalar(1))], /"a\/rho" is not known/],
    ["a scalar is unknown", (weights) => [...weights, named("beta", tf.scalar(1))], /"beta" is not known/],
    ["one is there twice", (weights) => [...weights, weights.at(-1)!], /twice/],
    ["shapes differ", (weights) => [...weights.slice(0, -1), named(weights.at(-1)!.name, tf.zeros([2]))], /in shape/],
    [
      "one is of integers",
      (weights) => [...weights.slice(0, -1), named(weights.at(-1)!.name, tf.zeros([5], "int32"))],
      /float32/,
    ],
    ["the counter is no count", ([, ...rest]) => [named("iter", tf.scalar(-1)), ...rest], /iter/],
  ])("are refused, and nothing has changed, if %s", async (_, change, rule) => {
    const { optimizer, list } = trained(2);
    const weights = await copies(optimizer);
    await expect(optimizer.setWeights(change(weights))).rejects.toThrow(rule);
    apply(optimizer, list, 2);
    const expected = trained(3);
    expect(list.map(valueBits)).toEqual(expected.list.map(valueBits));
    optimizer.dispose();
    expected.optimizer.dispose();
    tf.dispose([list, expected.list, weights.map(({ tensor }) => tensor)]);
  });

  it("that fit none of the variables are refused when these are met", async () => {
    const [one, unbound, later] = ["one", "unbound", "one_1"].map((name) => tf.variable(tf.scalar(1), true, name));
    const step = (of: tf.Optimizer, v: tf.Variable) => tf.tidy(() => of.applyGradients({ [v.name]: tf.scalar(1) }));
    const [optimizer, other] = [rmsprop(tf), rmsprop(tf)];
    step(optimizer, one!);
    const weights = await copies(optimizer);
    await other.setWeights(weights);
    expect(() => step(other, unbound!)).toThrow(CheckpointError);
    expect(() => step(other, unbound!)).toThrow(/state for "one"; the variables are "unbound"/);
    step(other, later!);
    expect(other.iterations).toBe(2);
    optimizer.dispose();
    other.dispose();
    tf.dispose([one!, unbound!, later!, weights.map(({ tensor }) => tensor)]);
  });

  it("in doubt about names are refused", async () => {
    const pairOf = (names: readonly string[]) => names.map((name) => tf.variable(tf.scalar(1), true, name));
    const list = pairOf(["w", "w_1"]);
    const optimizer = rmsprop(tf);
    const step = (of: tf.Optimizer, vs: tf.Variable[]) =>
      tf.tidy(() => of.applyGradients(Object.fromEntries(vs.map((v, i) => [v.name, tf.scalar(i + 1)]))));
    step(optimizer, list);
    const weights = await copies(optimizer);
    const [others, resumed] = [pairOf(["w_2", "w_3"]), rmsprop(tf)];
    await resumed.setWeights(weights);
    expect(() => step(resumed, [others[1]!])).toThrow(/Which state belongs to which variable\?/);
    // As many as there are states: in order.
    step(resumed, others);
    step(optimizer, list);
    const state = async (of: tf.Optimizer) => (await of.getWeights()).map(({ tensor }) => [...tensor.dataSync()]);
    expect(await state(resumed)).toEqual(await state(optimizer));
    optimizer.dispose();
    resumed.dispose();
    tf.dispose([list, others, weights.map(({ tensor }) => tensor)]);
  });
});
