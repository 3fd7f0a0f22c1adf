// A model saved by Keras, as `.keras`, `.weights.h5` or `.h5`: the state of its optimizer, and the values of its weights.

import { checkedBytes } from "../formats/bytes.js";
import type { Dataset } from "../formats/hdf5-dataset.js";
import type { StoredOptimizer, StoredState, StoredVariable } from "../formats/stored-optimizer.js";
import { assertBuilt } from "../support/assert-built.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError, OutOfMemoryError, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { isObject, type ModelFile, openModel, openShards, parsedObject } from "./model-file.js";
import {
  classNameOf,
  innerOf,
  type KerasOptimizer,
  knownOptimizer,
  rateOf,
  scaledByDefault,
  slotsOf,
} from "./optimizer-config.js";
import { arraysAt, isScaled, namedState, numberedState, type OptimizerState } from "./optimizer-state.js";
import { findOptimizers, findWeights, type KerasOptimizerEntry, type KerasWeight, NAMED_STATE } from "./weights.js";

/** What `readKeras` cannot know from the file. */
export interface ReadOptions {
  /**
   * For `.weights.h5`, which does not hold it: what Keras' `keras.optimizers.serialize(optimizer)` gives, as JSON text or
   * parsed. Without it the weights can be read, not the optimizer's state.
   */
  readonly optimizer?: string | object | undefined;
  /**
   * Which of the file's `optimizers`, if the model has several: `"d_optimizer"`, the name of the model's attribute. Default:
   * `"optimizer"`, that of `model.compile`.
   */
  readonly optimizerPath?: string | undefined;
}

/** Once the module `jsfive`. @deprecated Nothing is needed: HDF5 is read here. */
export type Hdf5 = object;

/** What is needed of an optimizer, of any entry of the package: `RMSprop` and `LossScaleOptimizer` have it. */
export type Receiver = Pick<StoredOptimizer, "name" | "built" | "variables" | "trainableVariables" | "setWeights">;

/** What is needed of an optimizer of `rmsprop-wasm/tfjs`. */
export interface TensorReceiver {
  /** The optimizer underneath. */
  readonly core: Pick<Receiver, "name" | "variables">;
  /** Puts all of its state in, by names, or rejects and changes nothing. */
  setWeights(weights: NamedValues[]): Promise<void>;
}

/** A weight of a `tf.Optimizer`. */
export interface NamedValues {
  /** `iter`, `learning_rate`, or the variable's name, a slash and the kind of state. */
  name: string;
  /** The numbers, with as much of a tensor as is asked for. */
  // biome-ignore lint/suspicious/noExplicitAny: a tensor of any copy of tfjs: there may be several.
  tensor: any;
}

/** What is needed of a `tf.Variable`, or of a weight of a `tf.LayersModel`. */
export interface NamedVariable {
  /** Its name in tfjs. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly (number | null)[];
}

const DEFAULT_PATH = "optimizer";

/**
 * Reads a model that Keras saved: Keras 3's `.keras` and `.weights.h5`, and the `.h5` of Keras 2 and 3.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readKeras } from "rmsprop-wasm/keras";
 *
 * const file = readKeras(await readFile("model.keras"), { optimizerPath: "optimizer" });
 * file.optimizer.class_name; // "RMSprop"
 * ```
 *
 * @param bytes the content of the file; of weights that Keras has divided among several (`max_shard_size` of
 * `save_weights`), a list of the contents of all `.weights.h5`, in the order of their names.
 * @param hdf5 is not needed any more, and ignored: it was the module `jsfive`. Options may stand here.
 * @throws {CheckpointError} if it is no file of Keras, or is broken.
 * @throws {TypeError} for arguments that are not as documented.
 */
export function readKeras(
  bytes: Uint8Array | readonly Uint8Array[],
  hdf5?: Hdf5 | ReadOptions | null,
  options?: ReadOptions,
): KerasFile {
  const content = Array.isArray(bytes) ? bytes.map(checkedBytes) : checkedBytes(bytes);
  const isModule = options !== undefined || typeof (hdf5 as { File?: unknown } | undefined)?.File === "function";
  const given = checkedObject("options", (isModule ? options : hdf5) ?? {}, ["optimizer", "optimizerPath"]);
  const [serialized, path] = [option(given, "optimizer"), option(given, "optimizerPath")];
  if (path !== undefined && typeof path !== "string") {
    throw new TypeError(message("optimizerPath", "a string, one of the file's `optimizers`", path));
  }
  if (serialized !== undefined && typeof serialized !== "string" && !isObject(serialized)) {
    throw new TypeError(message("optimizer", "JSON, as a string or an object", serialized));
  }
  const optimizer =
    typeof serialized === "string" ? parsedObject("Argument `optimizer`", () => serialized) : serialized;
  const file = Array.isArray(content) ? openShards(content) : openModel(content);
  return new KerasFile(file, path?.replace(/\/vars\/?$/, ""), optimizer);
}

/**
 * What `readKeras` has read.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readKeras } from "rmsprop-wasm/keras";
 *
 * const file = readKeras(await readFile("model.keras"));
 * file.optimizers.map(({ path, name, arrays }) => path); // ["optimizer"]
 * for (const [path, { layer, shape, dtype, value }] of file.weights) void [path, layer, shape, dtype, value.length];
 * ```
 */
export class KerasFile {
  readonly #file: ModelFile;
  readonly #path: string;
  readonly #serialized: unknown;
  /** Whether the configuration is the user's, which the file's state may contradict. */
  readonly #isGiven: boolean;
  readonly #weights: ReadonlyMap<string, KerasWeight>;
  /** The optimizers whose state is in the file, to choose from by `optimizerPath`. */
  readonly optimizers: readonly KerasOptimizerEntry[];

  /** @internal */
  constructor(file: ModelFile, path: string | undefined, given: unknown) {
    this.#file = file;
    this.optimizers = findOptimizers(file);
    this.#weights = findWeights(file, this.optimizers);
    const has = (wanted: string) => this.optimizers.some((entry) => entry.path === wanted);
    if (path !== undefined && !has(path)) {
      throw new CheckpointError(`The file has no state of an optimizer at ${show(path)}${this.#listed()}.`);
    }
    this.#path = path ?? (has(NAMED_STATE) ? NAMED_STATE : DEFAULT_PATH);
    const key = this.#path === NAMED_STATE ? DEFAULT_PATH : this.#path;
    const compiled = file.compiled[key] ?? undefined;
    if (compiled !== undefined && given !== undefined) {
      throw new TypeError(
        "Argument `optimizer` is for files without a configuration, such as .weights.h5; this one has its own.",
      );
    }
    this.#serialized = compiled ?? given;
    this.#isGiven = compiled === undefined;
  }

  /**
   * The optimizer as Keras has serialized it; `config` is for `RMSprop.fromConfig` or `LossScaleOptimizer.fromConfig`, that of
   * tf.keras 2 for `convertLegacyConfig` first. Of a model of mixed precision, it is the LossScaleOptimizer that Keras made.
   *
   * @throws {CheckpointError} if it is not known, or is neither.
   */
  get optimizer(): KerasOptimizer {
    const serialized = this.#serialized;
    if (serialized === undefined) {
      throw new CheckpointError(
        "The file does not say what its optimizer was: save a compiled model as .keras, or give `optimizer` to `readKeras`.",
      );
    }
    const known = knownOptimizer(serialized);
    if (!known) {
      throw new CheckpointError(
        `The file's optimizer must be an RMSprop, alone or in a LossScaleOptimizer; it is ${show(classNameOf(serialized))}.`,
      );
    }
    if (this.#path === NAMED_STATE)
      return namedState(this.#arrays()).inner || known.class_name === "RMSprop" ? known : innerOf(known);
    return known.class_name === "RMSprop" && isScaled(this.#arrays()) ? scaledByDefault(known) : known;
  }

  /** @internal For the command: the version of Keras, `undefined` where the file does not say it. */
  get version(): string | undefined {
    return this.#file.version;
  }

  /** @internal For the command: the state of the optimizer, `undefined` if there is none. */
  get state(): OptimizerState | undefined {
    const saved = this.optimizer;
    const arrays = this.#arrays();
    return arrays.length > 0 ? this.#stateIn(arrays, saved) : undefined;
  }

  #stateIn(arrays: readonly Dataset[], saved: KerasOptimizer): OptimizerState {
    return this.#path === NAMED_STATE ? namedState(arrays) : numberedState(arrays, saved, this.#file.version);
  }

  /**
   * The model's weights by their paths in the file, such as `layers/dense/vars/0`, in the file's order. What optimizers and
   * metrics keep is not among them.
   */
  get weights(): ReadonlyMap<string, KerasWeight> {
    return this.#weights;
  }

  /**
   * Puts the state of the file's optimizer into one with the same configuration, built over variables in the order of
   * Keras' `model.trainable_variables`: all of it, or nothing and an error. State of a LossScaleOptimizer may go into a plain
   * RMSprop: then the loss scale stays behind.
   *
   * ```ts
   * import { readFile } from "node:fs/promises";
   * import { readKeras } from "rmsprop-wasm/keras";
   *
   * const file = readKeras(await readFile("model.keras"));
   * const rms = RMSprop.fromConfig(file.optimizer.config as {});
   * rms.build([...file.weights].map(([name, { shape, value }]) => new Variable(value, { name, shape })));
   * file.loadOptimizer(rms);
   * ```
   *
   * @throws {CheckpointError} if options, number, shapes or types differ; it says what and where.
   * @throws {StateError} if the optimizer is not built, or was freed.
   */
  loadOptimizer(optimizer: Receiver): void;
  /**
   * The same for an optimizer of `rmsprop-wasm/tfjs`, whose variables are named here: `model.trainableWeights`, in Keras' order.
   *
   * @param optimizer of `rmsprop-wasm/tfjs`, without `resident`.
   * @param variables `model.trainableWeights`, in Keras' order.
   * @throws (by rejection) {CheckpointError} if options, number, shapes or types differ; it says what and where.
   */
  loadOptimizer(optimizer: TensorReceiver, variables: readonly NamedVariable[]): Promise<void>;
  loadOptimizer(optimizer: Receiver | TensorReceiver, variables: readonly NamedVariable[] = []): void | Promise<void> {
    return "core" in optimizer ? this.#loadTensors(optimizer, variables) : this.#load(optimizer);
  }

  async #loadTensors(optimizer: TensorReceiver, trained: readonly NamedVariable[]): Promise<void> {
    if (
      !Array.isArray(trained) ||
      trained.length === 0 ||
      trained.some((variable) => typeof variable?.name !== "string")
    ) {
      throw new TypeError(message("variables", "an array of variables with names", trained));
    }
    // Counters and rates as they are there; slots for the variables that it is about to meet.
    const scalars = optimizer.core.variables.filter(({ slot }) => slot === null);
    const kept = slotsOf(innerOf(this.optimizer));
    const slots = kept.flatMap((slot) =>
      trained.map(({ name, shape }) => ({
        ...{ name, slot, dtype: "float32", shape: shape as readonly number[], value: new Float32Array() },
        variable: { path: name, shape: shape as readonly number[], value: new Float32Array(), assign: () => {} },
      })),
    );
    const states: StoredState[] = [...scalars, ...slots];
    const values = this.#values({ variables: states, trained: trained.length });
    const weights = states.map(({ name, slot, shape, dtype }, i): NamedValues => {
      const numbers = values[i] as ArrayLike<number> | number;
      const data = async () => (typeof numbers === "number" ? [numbers] : numbers);
      // tfjs has another name for the counter.
      const called = slot === null ? name.replace(/^iteration$/, "iter") : `${name}/${slot}`;
      return { name: called, tensor: { shape, dtype, data } };
    });
    await optimizer.setWeights(weights.filter((_, i) => !states[i]?.ignored));
  }

  #load(optimizer: Receiver): void {
    assertBuilt(optimizer);
    const { variables, trainableVariables } = optimizer;
    const weights = this.#values({ variables, trained: trainableVariables.length });
    try {
      optimizer.setWeights(weights);
    } catch (cause) {
      if (cause instanceof StateError || cause instanceof OutOfMemoryError) throw cause;
      throw new CheckpointError(`The file's state does not fit: ${cause}`, { cause });
    }
  }

  /** The file's state for these variables of an optimizer that was built over `trained` variables. */
  #values({ variables, trained }: Pick<Receiver, "variables"> & { trained: number }): (ArrayLike<number> | number)[] {
    const saved = this.optimizer;
    const arrays = this.#arrays();
    this.#assertThere(arrays);
    const [kept, wanted] = [slotsOf(innerOf(saved)), slotNames(variables)];
    if (String(kept) !== String(wanted)) {
      throw new CheckpointError(
        `The file's optimizer keeps ${kept.join(", ")}; this one keeps ${wanted.join(", ")}. Make it with the file's options: \`fromConfig(file.optimizer.config)\`.`,
      );
    }
    const state = this.#stateIn(arrays, saved);
    for (const slot of kept) this.#assertCount(state.slots.get(slot)?.length ?? 0, trained);
    return new StateMatch(state, rateOf(innerOf(saved)), variables).weights();
  }

  /**
   * Sets variables to weights of the file: all of them, or none and an error. Which is which must be said, because a
   * file has no names of variables: `{ "layers/dense/vars/0": kernel }`.
   *
   * ```ts
   * import { readFile } from "node:fs/promises";
   * import { readKeras } from "rmsprop-wasm/keras";
   *
   * const file = readKeras(await readFile("model.keras"));
   * const [path, { shape, value }] = [...file.weights][0]!;
   * const kernel = new Variable(new Float32Array(value.length), { shape });
   * file.loadVariables({ [path]: kernel });
   * ```
   *
   * @param variables by the paths of their weights in the file.
   * @throws {CheckpointError} if a path is not in the file, or its shape or type differs.
   * @throws {StateError} if a variable was freed.
   */
  loadVariables(variables: Readonly<Record<string, StoredVariable>>): void {
    const targets = Object.entries(checkedObject("variables", variables)) as [string, StoredVariable][];
    const all = targets.map(([path, variable]) => {
      // Throws if it was freed.
      void variable.value;
      const what = `variable "${variable.path}"`;
      const dataset = this.#file.datasets.get(path);
      if (!dataset) throw new CheckpointError(`The file has no array ${show(path)}, for ${what}.`);
      return { variable, values: matching(dataset, what, variable.shape, "float32") };
    });
    for (const { variable, values } of all) variable.assign(values);
  }

  #arrays(): Dataset[] {
    return arraysAt(this.#file, this.#path);
  }

  #listed(): string {
    const paths = this.optimizers.map(({ path }) => show(path));
    return paths.length > 0 ? `; it has ${paths.join(", ")}` : "; it has none";
  }

  /** Throws, with the reason, if there are no arrays to load. */
  #assertThere(arrays: readonly Dataset[]): void {
    if (arrays.length > 0) return;
    if (this.optimizers.length > 0) {
      throw new CheckpointError(
        `The file's optimizers have other names than "optimizer"${this.#listed()}: choose one by \`optimizerPath\` of \`readKeras\`.`,
      );
    }
    throw new CheckpointError(
      this.#file.isNamed
        ? "The file has weights only, or was saved with include_optimizer=False: it holds no state of an optimizer."
        : "The file holds no state of an optimizer: the model was not compiled, or never trained, when it was saved.",
    );
  }

  #assertCount(there: number, here: number): void {
    if (there === here) return;
    const others =
      this.optimizers.length > 1
        ? ` Or another of the file's optimizers is meant${this.#listed()}: choose one by \`optimizerPath\`.`
        : "";
    throw new CheckpointError(
      there === 0
        ? `The file's optimizer has no state yet: the model was saved before it was trained, and there is nothing to go on from.${others}`
        : `The file's optimizer trains ${there} variables, this one was built with ${here}: build it with model.trainable_variables, all of them and no others.${this.#isGiven ? " Or the optimizer in the file had other options than the `optimizer` that was given." : ""}${others}`,
    );
  }
}

/** Arrays of a file, matched with the variables of an optimizer. */
class StateMatch {
  readonly #state: OptimizerState;
  readonly #rate: number | undefined;
  readonly #variables: Receiver["variables"];

  constructor(state: OptimizerState, rate: number | undefined, variables: Receiver["variables"]) {
    this.#state = state;
    this.#rate = rate;
    this.#variables = variables;
  }

  /** What `setWeights` takes. */
  weights(): (ArrayLike<number> | number)[] {
    const isScaled = this.#variables.some(({ name, slot }) => slot === null && name === "dynamic_scale");
    const { scalars, inner, slots } = this.#state;
    if (isScaled && !inner) {
      throw new CheckpointError(
        "The file's optimizer has no loss scale: load it into the `innerOptimizer`, or into an RMSprop.",
      );
    }
    // A loss scale's own numbers come first, then those inside.
    const [outer, plain] = isScaled ? [scalars, inner] : [undefined, inner ?? scalars];
    const seen = new Set<string>();
    const counts = new Map<string, number>();
    return this.#variables.map(({ name, shape, dtype, slot, variable }) => {
      if (slot === null) {
        const source = outer && !seen.has(name) ? outer : plain;
        seen.add(name);
        return this.#scalar(name, source?.get(name), dtype);
      }
      const index = counts.get(slot) ?? 0;
      counts.set(slot, index + 1);
      const dataset = slots.get(slot)?.[index] as Dataset;
      return matching(dataset, `${slot} of variable "${variable?.path}"`, shape, dtype);
    });
  }

  #scalar(name: string, dataset: Dataset | undefined, dtype: string): ArrayLike<number> | number {
    if (dataset) return matching(dataset, name, [], dtype);
    // tf.keras 2 has the rate in the configuration alone.
    if (name === "learning_rate" && this.#rate !== undefined) return this.#rate;
    throw new CheckpointError(
      name === "learning_rate"
        ? "The file's optimizer has a schedule as learning rate, this one a number. Make it with the file's options: `fromConfig(file.optimizer.config)`."
        : `The file's optimizer has no ${name}.`,
    );
  }
}

/** The kinds of state that an optimizer keeps, each once. */
const slotNames = (variables: Receiver["variables"]): string[] => [
  ...new Set(variables.flatMap(({ slot }) => (slot === null ? [] : [slot]))),
];

/** Types that hold numbers of a type: TensorFlow counts in 64 bits, and models of half precision keep half of the bits. */
const HELD_BY: Readonly<Record<string, readonly string[]>> = {
  float32: ["float32", "float16", "bfloat16"],
  int32: ["int32", "int64", "uint32", "uint64"],
};

/** The numbers of an array that must have this shape and type; `what` says in the message what they are for. */
function matching(dataset: Dataset, what: string, shape: readonly number[], dtype: string): ArrayLike<number> {
  const { path } = dataset;
  if (String(dataset.shape) !== String(shape)) {
    throw new CheckpointError(`Array ${show(path)} has shape [${dataset.shape}]; ${what} has [${shape}].`);
  }
  if (!HELD_BY[dtype]?.includes(dataset.dtype)) {
    throw new CheckpointError(`Array ${show(path)} has dtype ${dataset.dtype}; ${what} must have ${dtype}.`);
  }
  // What does not fit into 32 bits is found when it is loaded.
  return dtype === "int32" ? [dataset.first] : dataset.floats;
}
