// Every form of file that Keras has had, as several versions of it wrote them (make_keras_kinds.py).
import { readdirSync } from "node:fs";
import { CheckpointError, LossScaleOptimizer, RMSprop, type RMSpropConfig, Variable } from "rmsprop-wasm";
import { convertLegacyConfig, type KerasFile, readKeras } from "rmsprop-wasm/keras";
import { describe, expect, it } from "vitest";
import { errorOf } from "../unit/support.js";
import { bytesOf, expectations, fixture, hex, type Recorded } from "./fixtures.js";

interface Expected {
  readonly optimizer: object | null;
  /** Those of the RMSprop itself. */
  readonly variables: readonly Recorded[];
  readonly weights: readonly Recorded[];
  /** Those of the loss scale around it. */
  readonly scaled?: readonly Recorded[];
}

const files = readdirSync(new URL("fixtures/kinds", import.meta.url));
const versions = files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
const expected = Object.fromEntries(
  versions.map((version) => [version, expectations<Record<string, Expected>>(`kinds/${version}`)]),
);

const SHARDS = files
  .filter((name) => /^3\.15\.1-shards_/.test(name))
  .map((name) => name.slice(0, -".gz".length))
  .sort();

/** A file, or those that an index lists. */
const read = (version: string, name: string, options = {}) =>
  readKeras(
    name.endsWith(".json") ? SHARDS.map((shard) => fixture(`kinds/${shard}`)) : fixture(`kinds/${version}-${name}`),
    options,
  );

function optimizerOf({ optimizer }: KerasFile): RMSprop | LossScaleOptimizer {
  if (optimizer.class_name === "LossScaleOptimizer") return LossScaleOptimizer.fromConfig(optimizer.config);
  return RMSprop.fromConfig(convertLegacyConfig(optimizer.config));
}

const variablesOf = (weights: readonly Recorded[]) =>
  weights.map(({ shape }, i) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return new Variable(new Float32Array(size), { name: `v${i}`, shape });
  });

/** An RMSprop's own state, without the rate: tf.keras 2 does not list that. */
const stateOf = (optimizer: RMSprop | LossScaleOptimizer) =>
  (optimizer instanceof LossScaleOptimizer ? optimizer.innerOptimizer : optimizer).variables
    .filter(({ name }) => name !== "learning_rate")
    .map(({ value }) => hex(value));
const recordedState = (variables: readonly Recorded[], order: (list: Recorded[]) => Recorded[] = (list) => list) =>
  order(variables.filter(({ path }) => !/learning_rate|current_learning/.test(path))).map(bytesOf);

/** Before 3.10, Keras listed the averages and the accumulators by turns. */
const sorted = (list: Recorded[]) => {
  const kindOf = ({ path }: Recorded) =>
    ["average_gradient", "average", "gradient_accumulator"].find((kind) => path.endsWith(kind)) ?? "";
  const of = (kind: string) => list.filter((entry) => kindOf(entry) === kind);
  const [first, ...others] = list.filter((entry) => !["average", "gradient_accumulator"].includes(kindOf(entry)));
  return [first!, ...of("average"), ...of("gradient_accumulator"), ...others];
};

const loadable = versions.flatMap((version) =>
  Object.keys(expected[version]!)
    .filter((name) => !/^(untrained|uncompiled|weights-only|two|legacy-decay)/.test(name))
    .map((name) => [version, name] as const),
);

it("there are files of several versions", () =>
  expect(versions.sort()).toEqual(["2.15.0", "3.0.5", "3.15.1", "3.4.1"]));

it.each(loadable)("Keras %s, %s: the state and the weights, bit for bit", (version, name) => {
  const { optimizer: serialized, variables: state, weights, scaled } = expected[version]![name]!;
  const file = read(version, name, /\.weights\.\w+$/.test(name) ? { optimizer: serialized } : {});
  const variables = variablesOf(weights);
  const optimizer = optimizerOf(file);
  optimizer.build(variables);
  file.loadOptimizer(optimizer);
  expect(stateOf(optimizer)).toEqual(recordedState(state, sorted));
  expect(optimizer.rawIterations).toBe(3);
  expect([...file.weights.values()].map(({ value }) => hex(value))).toEqual(weights.map(bytesOf));

  if (scaled) {
    const { stepCounter, dynamicScale } = optimizer as LossScaleOptimizer;
    const recorded = (suffix: string) => bytesOf(scaled.find(({ path }) => path.endsWith(suffix))!);
    expect(hex(Int32Array.of(stepCounter))).toBe(recorded("step_counter"));
    expect(hex(Float32Array.of(dynamicScale))).toBe(recorded("dynamic_scale"));
    // Into an optimizer without a loss scale, too.
    const plain = RMSprop.fromConfig(
      (file.optimizer as { config: { inner_optimizer: { config: RMSpropConfig } } }).config.inner_optimizer.config,
    );
    plain.build(variablesOf(weights));
    file.loadOptimizer(plain);
    expect(stateOf(plain)).toEqual(stateOf(optimizer));
  }
});

it("says what the optimizer is as often as it is asked", () => {
  const file = read("3.15.1", "full.h5");
  const first = file.optimizer;
  for (let i = 0; i < 1000; i++) expect(file.optimizer).toEqual(first);
});

it("16-bit weights say so", () => {
  for (const dtype of ["float16", "bfloat16"]) {
    expect([...read("3.15.1", `${dtype}.keras`).weights.values()].map((weight) => weight.dtype)).toEqual(
      Array(4).fill(dtype),
    );
  }
});

it.each(versions.filter((version) => version.startsWith("3.")))("Keras %s: one of two optimizers", (version) => {
  const { optimizer: serialized, variables: state, weights } = expected[version]!["two.weights.h5"]!;
  const options = { optimizer: serialized!, optimizerPath: "g_optimizer" };
  const file = read(version, "two.weights.h5", options);
  expect(file.optimizers.map(({ path, arrays }) => [path, arrays])).toEqual([
    ["d_optimizer", 6],
    ["g_optimizer", 10],
    ["optimizer", 2],
  ]);
  expect([...file.weights.keys()].filter((path) => /opt/.test(path))).toEqual([]);
  const optimizer = optimizerOf(file);
  optimizer.build(variablesOf(weights));
  file.loadOptimizer(optimizer);
  expect(stateOf(optimizer)).toEqual(recordedState(state));
  expect(optimizer.rawIterations).toBe(4);
  // The one that Keras' `compile` made was never used.
  const other = read(version, "two.weights.h5", { optimizer: serialized });
  expect(errorOf(() => other.loadOptimizer(optimizer)).message).toMatch(
    /no state yet.*"d_optimizer", "g_optimizer", "optimizer": choose one by `optimizerPath`/,
  );
  expect(errorOf(() => read(version, "two.weights.h5", { optimizerPath: "x" })).message).toMatch(
    /no state of an optimizer at "x"; it has "d_optimizer"/,
  );
});

describe("what cannot be loaded says why", () => {
  const built = (options = {}) => {
    const optimizer = new RMSprop(options);
    optimizer.build(variablesOf(expected["3.15.1"]!["plain.keras"]!.weights));
    return optimizer;
  };

  it.each<[string, string, object, RegExp]>([
    ["untrained.keras", "an untrained model", {}, /no state yet: the model was saved before it was trained/],
    ["weights-only.h5", "a file of weights", { optimizer: { class_name: "RMSprop", config: {} } }, /weights only/],
    ["uncompiled.keras", "a model that was not compiled", {}, /does not say what its optimizer was/],
    [
      "full.weights.h5",
      "other options than those given",
      { optimizer: { class_name: "RMSprop", config: { learning_rate: 1, centered: true } } },
      /keeps velocity, average_gradient; this one keeps velocity/,
    ],
  ])("%s, %s", (name, _, options, pattern) => {
    const error = errorOf(() => read("3.15.1", name, options).loadOptimizer(built()));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
  });

  it("arrays that do not fit the configuration", () => {
    const given = {
      class_name: "RMSprop",
      config: { learning_rate: 0.5, momentum: 0.5, centered: true, use_ema: true },
    };
    const optimizer = built({ momentum: 0.5, centered: true, useEma: true });
    const file = read("3.15.1", "full.weights.h5", { optimizer: given });
    expect(errorOf(() => file.loadOptimizer(optimizer)).message).toMatch(
      /trains 5 variables, this one was built with 4|saved with other options/,
    );
  });
});

describe("configurations of tf.keras 2", () => {
  const configOf = (name: string) => read("2.15.0", name).optimizer.config as object;

  it("are refused by `fromConfig`, and taken once converted", () => {
    expect(() => RMSprop.fromConfig(configOf("plain.keras") as RMSpropConfig)).toThrow(/jit_compile/);
    const { learningRate, epsilonMode } = RMSprop.fromConfig(convertLegacyConfig(configOf("plain.keras")));
    expect([learningRate, epsilonMode]).toEqual([Math.fround(0.01), "inside"]);
  });

  it("of the legacy class have ε outside of the root, but not with a momentum", () => {
    expect(RMSprop.fromConfig(convertLegacyConfig(configOf("legacy.h5"))).epsilonMode).toBe("outside");
    expect(RMSprop.fromConfig(convertLegacyConfig(configOf("legacy-full.h5"))).epsilonMode).toBe("inside");
    expect(convertLegacyConfig({ lr: 0.5, rho: 0.9 })).toEqual({
      learning_rate: 0.5,
      rho: 0.9,
      epsilon_mode: "outside",
    });
  });

  it("with a decay say which schedule does the same", () => {
    const error = errorOf(() => convertLegacyConfig(configOf("legacy-decay.h5")));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(
      /decay .*0.1.*InverseTimeDecay\(\{ initialLearningRate: 0.0\d+, decaySteps: 1, decayRate: 0.1/,
    );
  });

  it("with a decay that no schedule of ours does say so", () => {
    const schedule = { class_name: "ExponentialDecay", config: {} };
    expect(errorOf(() => convertLegacyConfig({ learning_rate: schedule, decay: 0.5 })).message).toMatch(
      /`learningRate: \(step\) =>/,
    );
    expect(errorOf(() => convertLegacyConfig({ learning_rate: 0.1, decay: "0.5" })).message).toMatch(/it is "0.5"/);
  });

  it("of a loss scale are converted inside", () => {
    const inner_optimizer = { class_name: "RMSprop", config: configOf("plain.keras") };
    const config = { inner_optimizer, dynamic: true, initial_scale: 32, dynamic_growth_steps: 7 };
    const optimizer = LossScaleOptimizer.fromConfig(convertLegacyConfig(config));
    expect([optimizer.initialScale, optimizer.innerOptimizer.learningRate]).toEqual([32, Math.fround(0.01)]);
  });

  it("of Keras 3 stay as they are", () => {
    const { config } = read("3.15.1", "full.keras").optimizer;
    expect(convertLegacyConfig(config)).toEqual(config);
  });
});

describe("weights in several files", () => {
  const options = { optimizer: expected["3.15.1"]!["shards.weights.json"]!.optimizer };
  const shards = SHARDS.map((shard) => fixture(`kinds/${shard}`));

  it("are listed as those of one file, whatever their order", () => {
    expect(shards.length).toBeGreaterThan(3);
    const file = readKeras(shards, options);
    expect(Array.from(file.weights, ([path, { layer }]) => [path, layer])).toEqual([
      ["layers/dense/vars/0", "hidden"],
      ["layers/dense/vars/1", "hidden"],
      ["layers/dense_1/vars/0", "out"],
      ["layers/dense_1/vars/1", "out"],
    ]);
    expect(file.optimizers).toMatchObject([
      { path: "optimizer", name: expect.stringMatching(/^rm_sprop/), arrays: 10 },
    ]);
    const reversed = readKeras([...shards].reverse(), options);
    expect([...reversed.weights.keys()].sort()).toEqual([...file.weights.keys()]);
    expect(reversed.optimizers).toEqual(file.optimizers);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "the index alone",
      () => readKeras(fixture("kinds/3.15.1-shards.weights.json")),
      /is an index .* list .*"shards_00000\.weights\.h5", /,
    ],
    ["a file given twice", () => readKeras([shards[0]!, shards[0]!]), /Two files have an array "layers/],
    ["a file of another kind", () => readKeras([shards[0]!, new Uint8Array(100)]), /neither an archive/],
    ["one that is missing", () => load(shards.slice(0, -1)), /optimizer/],
    ["none", () => load([]), /no state of an optimizer/],
  ])("are refused: %s", (_, act, pattern) => {
    const error = errorOf(act);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
  });

  function load(files: Uint8Array[]) {
    const file = readKeras(files, options);
    const optimizer = optimizerOf(file);
    optimizer.build(variablesOf(expected["3.15.1"]!["shards.weights.json"]!.weights));
    file.loadOptimizer(optimizer);
  }
});

describe("a given configuration with other options than the file's", () => {
  const config = { learning_rate: 0.01 };

  it("is said to be that, not another list of variables", () => {
    const bytes = fixture("plain.weights.h5");
    const file = readKeras(bytes, { optimizer: { class_name: "RMSprop", config: { ...config, momentum: 0.5 } } });
    const arrays = file.optimizers[0]!.arrays - 2;
    expect(arrays).toBe(4);
    const optimizer = new RMSprop({ momentum: 0.5 });
    optimizer.build([new Variable([1]), new Variable([1])]);
    expect(errorOf(() => file.loadOptimizer(optimizer)).message).toMatch(/saved with other options/);
  });

  it("is a cause that is named where shapes do not tell", () => {
    const file = readKeras(fixture("kinds/3.15.1-full.weights.h5"), { optimizer: { class_name: "RMSprop", config } });
    const optimizer = new RMSprop();
    optimizer.build([new Variable([1])]);
    expect(errorOf(() => file.loadOptimizer(optimizer)).message).toMatch(
      /the optimizer in the file had other options than the `optimizer` that was given/,
    );
  });
});
