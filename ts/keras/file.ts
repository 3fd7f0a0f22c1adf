// A model saved by Keras 3 as `.keras` or `.weights.h5`: the state of its optimizer, and the values of its weights.
//
// In `optimizer/vars`, Keras numbers an optimizer's arrays without saying what they are: which options were on decides. So
// nothing is loaded without the configuration they were saved with.

import { type Hdf5, readHdf5 } from "../formats/hdf5.js";
import { checkedBytes } from "../formats/own-bytes.js";
import { decodeUtf8 } from "../formats/utf8.js";
import { looksLikeZip, readZip } from "../formats/zip.js";
import type { LossScaleConfig, RMSpropConfig } from "../optimizers/config.js";
import type { Serialized } from "../schedules/serialization.js";
import { assertBuilt } from "../support/assert-built.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";

/** What `keras.optimizers.serialize` gives for the optimizers that this package has. */
export type KerasOptimizer =
  | (Serialized<RMSpropConfig> & { readonly class_name: "RMSprop" })
  | (Serialized<LossScaleConfig> & { readonly class_name: "LossScaleOptimizer" });

/** What `readKeras` cannot know from the file. */
export interface ReadOptions {
  /**
   * For `.weights.h5`, which does not hold it: what Keras' `keras.optimizers.serialize(optimizer)` gives, as JSON text or
   * parsed. Without it the weights can be read, not the optimizer's state.
   */
  readonly optimizer?: string | object | undefined;
}

/** One of the model's weights. */
export interface KerasWeight {
  /** Its shape. */
  readonly shape: readonly number[];
  /** The name of the layer, `""` if the file does not say it. */
  readonly layer: string;
  /** Its numbers, a copy. */
  readonly value: Float32Array<ArrayBuffer>;
}

/** What is needed of an optimizer, of any entry of the package: `RMSprop` and `LossScaleOptimizer` have it. */
export interface Receiver {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state to put something into. */
  readonly built: boolean;
  /** Its own variables, in Keras' order. */
  readonly variables: readonly ReceiverVariable[];
  /** Puts all of its state in, by number, or throws and changes nothing. */
  loadOwnVariables(store: Readonly<Record<string, ArrayLike<number>>>): void;
}

/** What is needed of an optimizer's own variable. */
export interface ReceiverVariable {
  /** The last part of its path. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its type, as NumPy calls it. */
  readonly dtype: string;
  /** Which kind of state it is; `null` for counters and rates. */
  readonly slot: string | null;
  /** Whose state it is; `null` for counters and rates. */
  readonly variable: {
    /** Names it in messages. */
    readonly path: string;
  } | null;
}

/** What is needed of a variable. */
export interface Target {
  /** Names it in messages. */
  readonly path: string;
  /** The shape that the weight must have. */
  readonly shape: readonly number[];
  /** Its values; asking throws if it was freed. */
  readonly value: Float32Array;
  /** Sets all of its values. */
  assign(values: ArrayLike<number>): void;
}

const STATE = "optimizer/vars/";
const OPTIMIZER = "optimizer/";
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Reads a model that Keras 3 saved.
 *
 * @param bytes the content of a `.keras` or `.weights.h5` file.
 * @param hdf5 the module `jsfive`: `import * as hdf5 from "jsfive"`.
 * @throws {CheckpointError} if it is neither, or is broken.
 */
export function readKeras(bytes: Uint8Array, hdf5: Hdf5, options: ReadOptions = {}): KerasFile {
  checkedBytes(bytes);
  if (typeof hdf5?.File !== "function") throw new TypeError(message("hdf5", "the module jsfive", hdf5));
  const given = option(checkedObject("options", options, ["optimizer"]), "optimizer");
  if (looksLikeZip(bytes)) {
    if (given !== undefined) throw new TypeError("Argument `optimizer` is for .weights.h5; a .keras file has its own.");
    const members = readZip(bytes);
    const member = (name: string) => {
      const content = members.get(name);
      if (!content) throw new CheckpointError(`The archive has no ${show(name)}: it is no .keras file of Keras 3.`);
      return content;
    };
    const { compile_config } = parsed("config.json", () => decodeUtf8(member("config.json")));
    const compiled = typeof compile_config === "object" && compile_config !== null ? compile_config : {};
    const optimizer = (compiled as { optimizer?: unknown }).optimizer;
    return new KerasFile(readHdf5(member("model.weights.h5"), hdf5), optimizer);
  }
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) {
    throw new CheckpointError("The file is neither an archive (.keras) nor HDF5 (.weights.h5).");
  }
  const optimizer = typeof given === "string" ? parsed("Argument `optimizer`", () => given) : given;
  return new KerasFile(readHdf5(bytes, hdf5), optimizer);
}

function parsed(what: string, text: () => string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text());
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`${what} is not JSON: ${cause}`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CheckpointError(`${what} must be an object; it is ${show(value)}.`);
}

type Datasets = ReturnType<typeof readHdf5>;

/** What `readKeras` has read. */
export class KerasFile {
  readonly #datasets: Datasets;
  readonly #optimizer: unknown;

  /** @internal */
  constructor(datasets: Datasets, optimizer: unknown) {
    this.#datasets = datasets;
    this.#optimizer = optimizer;
  }

  /**
   * The optimizer as Keras has serialized it; `config` is for `RMSprop.fromConfig` or `LossScaleOptimizer.fromConfig`.
   *
   * @throws {CheckpointError} if it is not known, or is neither.
   */
  get optimizer(): KerasOptimizer {
    const optimizer = this.#optimizer;
    if (optimizer === undefined || optimizer === null) {
      throw new CheckpointError(
        "The file does not say what its optimizer was: save a compiled model as .keras, or give `optimizer` to `readKeras`.",
      );
    }
    if (isRMSprop(optimizer) || isLossScaled(optimizer)) return optimizer;
    throw new CheckpointError(
      `The file's optimizer must be an RMSprop, alone or in a LossScaleOptimizer; it is ${show(nameOf(optimizer))}.`,
    );
  }

  /** The model's weights by their paths in the file, such as `layers/dense/vars/0`, in the file's order. */
  get weights(): ReadonlyMap<string, KerasWeight> {
    const all = [...this.#datasets].filter(([path]) => !path.startsWith(OPTIMIZER));
    return new Map(
      all.map(([path, { dataset, group }]) => {
        const value = Float32Array.from(dataset.numbers);
        return [path, { shape: dataset.shape, layer: group, value }];
      }),
    );
  }

  /**
   * Puts the state of the file's optimizer into one with the same configuration, built over variables in the order of
   * Keras' `model.trainable_variables`: all of it, or nothing and an error.
   *
   * @throws {CheckpointError} if options, number, shapes or types differ; it says what and where.
   * @throws {StateError} if the optimizer is not built, or was freed.
   */
  loadOptimizer(optimizer: Receiver): void {
    assertBuilt(optimizer);
    const { variables } = optimizer;
    const [there, here] = [groupsOf(this.optimizer), groups(variables)];
    if (String(there) !== String(here)) {
      throw new CheckpointError(
        `The file's optimizer keeps ${there.join(", ")}; this one keeps ${here.join(", ")}. Make it with the file's options: \`fromConfig(file.optimizer.config)\`.`,
      );
    }
    const arrays = [...this.#datasets].filter(([path]) => path.startsWith(STATE));
    if (arrays.length !== variables.length) {
      throw new CheckpointError(
        `The file's optimizer has ${arrays.length} arrays, this one ${variables.length}: it must be built with as many variables as the model trains.`,
      );
    }
    const store = variables.map(({ shape, dtype, name, slot, variable }, i) => {
      const what = variable ? `${slot} of variable "${variable.path}"` : name;
      return this.#array(`${STATE}${i}`, what, shape, dtype).values;
    });
    try {
      optimizer.loadOwnVariables(Object.fromEntries(store.entries()));
    } catch (cause) {
      if (cause instanceof StateError) throw cause;
      throw new CheckpointError(`The file's state does not fit: ${cause}`, { cause });
    }
  }

  /**
   * Sets variables to weights of the file: all of them, or none and an error. Which is which must be said, because a
   * file has no names of variables: `{ "layers/dense/vars/0": kernel }`.
   *
   * @throws {CheckpointError} if a path is not in the file, or its shape or type differs.
   * @throws {StateError} if a variable was freed.
   */
  loadVariables(variables: Readonly<Record<string, Target>>): void {
    const targets = Object.entries(checkedObject("variables", variables)) as [string, Target][];
    const all = targets.map(([path, variable]) => {
      // Throws if it was freed.
      void variable.value;
      return { variable, ...this.#array(path, `variable "${variable.path}"`, variable.shape, "float32") };
    });
    for (const { variable, values } of all) variable.assign(values);
  }

  /** The numbers of an array that must have this shape and this type; `what` says in the message what they are for. */
  #array(path: string, what: string, shape: readonly number[], dtype: string): { values: Float64Array } {
    const dataset = this.#datasets.get(path)?.dataset;
    if (!dataset) throw new CheckpointError(`The file has no array ${show(path)}, for ${what}.`);
    if (String(dataset.shape) !== String(shape)) {
      throw new CheckpointError(`Array ${show(path)} has shape [${dataset.shape}]; ${what} has [${shape}].`);
    }
    // TensorFlow counts iterations in 64 bits; what does not fit into 32 is found when it is loaded.
    const { type } = dataset;
    if (type !== dtype && !(type === "int64" && dtype === "int32")) {
      throw new CheckpointError(`Array ${show(path)} has dtype ${type}; ${what} must have ${dtype}.`);
    }
    return { values: dataset.numbers };
  }
}

const nameOf = (optimizer: unknown): unknown => (optimizer as { class_name?: unknown }).class_name;

function isRMSprop(optimizer: unknown): optimizer is Extract<KerasOptimizer, { class_name: "RMSprop" }> {
  const { config } = optimizer as { config?: unknown };
  return nameOf(optimizer) === "RMSprop" && typeof config === "object" && config !== null;
}

function isLossScaled(optimizer: unknown): optimizer is Extract<KerasOptimizer, { class_name: "LossScaleOptimizer" }> {
  const { config } = optimizer as { config?: { inner_optimizer?: unknown } };
  return nameOf(optimizer) === "LossScaleOptimizer" && isRMSprop(config?.inner_optimizer ?? {});
}

/** What the optimizer keeps, in Keras' order: each of its numbers, and each kind of array once. */
function groupsOf({ class_name, config }: KerasOptimizer): string[] {
  if (class_name === "LossScaleOptimizer") {
    const inner = config.inner_optimizer as Extract<KerasOptimizer, { class_name: "RMSprop" }>;
    return ["iteration", "learning_rate", "step_counter", "dynamic_scale", ...groupsOf(inner)];
  }
  const kept: [string, boolean][] = [
    ["iteration", true],
    ["learning_rate", typeof config.learning_rate === "number"],
    ["average", config.use_ema],
    ["gradient_accumulator", (config.gradient_accumulation_steps ?? 0) >= 2],
    ["velocity", true],
    ["momentum", config.momentum > 0],
    ["average_gradient", config.centered],
  ];
  return kept.filter(([, isKept]) => isKept).map(([name]) => name);
}

/** The same of an optimizer of ours. */
function groups(variables: Receiver["variables"]): string[] {
  const slots = new Set<string>();
  return variables.flatMap(({ name, slot }) => {
    if (slot === null) return [name];
    if (slots.has(slot)) return [];
    slots.add(slot);
    return [slot];
  });
}
