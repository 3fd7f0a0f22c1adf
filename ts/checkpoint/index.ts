// The entry `rmsprop-wasm/checkpoint`: an optimizer's whole state, and its variables, as one safetensors file.

import { checkedBytes } from "../formats/bytes.js";
import { writeChecksummed } from "../formats/checksummed.js";
import { assertFloats, type StoredTensor, type Tensor } from "../formats/safetensors.js";
import type { StoredOptimizer, StoredOverrides, StoredState, StoredVariable } from "../formats/stored-optimizer.js";
import type { Values } from "../formats/typed-values.js";
import { stringifyConfig } from "../optimizers/config-json.js";
import { assertBuilt } from "../support/assert-built.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError, OutOfMemoryError, type PackageError, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { arrayKind } from "../support/typed-array.js";
import { assertCompatible, parsedConfig } from "./compatibility.js";
import { type CheckpointContent, FORMAT, numberText, readContent, VERSION } from "./content.js";
import { arraysByName, arraysOf, type StateArray, scalarsOf, valuesOf, variablesIn } from "./layout.js";
import { arrayMismatch, scalarMismatch } from "./mismatch.js";
import { overridesMetadata } from "./overrides.js";
import { encodeUserData, type UserData } from "./user-data.js";

export { type Inspected, type InspectedVariable, inspect } from "./inspect.js";
export type { InspectedOverrides } from "./overrides.js";
export {
  CheckpointError,
  type PackageError,
  StateError,
  type StoredOptimizer as Checkpointed,
  type StoredOverrides as CheckpointedOverrides,
  type StoredState as CheckpointedState,
  type StoredVariable as CheckpointedVariable,
  type UserData,
  type Values,
};

/** Options of `save`. */
export interface SaveOptions {
  /** Whether the values of the trained variables are saved too, not only the optimizer's state. Default true. */
  readonly includeVariables?: boolean | undefined;
  /** Texts of yours by name, such as `{ epoch: "7" }`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Typed arrays of yours by name, such as `{ lossCurve: Float32Array.of(…) }`. */
  readonly arrays?: Readonly<Record<string, Values>> | undefined;
}

/** Options of `load`. */
export interface LoadOptions {
  /**
   * Which variables are loaded, by their paths: for a model with a new head. The others, in the file and in the optimizer,
   * need not match. Default: all.
   */
  readonly only?: ((path: string) => boolean) | undefined;
}

/** What `load` returns: the data that were given to `save`, and what `only` has left out. */
export interface Loaded extends UserData {
  /** The optimizer's variables that stayed as they were, by their paths. */
  readonly missing: readonly string[];
  /** The file's variables that were not used, by their paths. */
  readonly unexpected: readonly string[];
}

/**
 * The optimizer's whole state as the bytes of a safetensors file: slots, counters, learning rate, loss scale, and the
 * values of the variables it trains. Loading it continues with the same bits, at any moment of a run.
 *
 * ```ts
 * import { inspect, save } from "rmsprop-wasm/checkpoint";
 *
 * const data = { metadata: { epoch: "7" }, arrays: { losses: Float32Array.of(0.5) } };
 * const bytes = save(optimizer, { includeVariables: false, ...data });
 * inspect(bytes).metadata["epoch"]; // "7"
 * ```
 *
 * @param optimizer a built one, of any entry.
 * @throws {StateError} if the optimizer is not built, or was freed.
 * @throws {TypeError} for options that are not as documented.
 * @throws {CheckpointError} if two variables have the same path, or the file could not be read again.
 */
export function save(optimizer: StoredOptimizer, options: SaveOptions = {}): Uint8Array<ArrayBuffer> {
  assertStorable(optimizer);
  const given = checkedObject("options", options, ["includeVariables", "metadata", "arrays"]);
  const includeVariables = option(given, "includeVariables") ?? true;
  if (typeof includeVariables !== "boolean") {
    throw new TypeError(message("includeVariables", "true or false", includeVariables));
  }
  const userData = encodeUserData(given);
  const states = optimizer.variables;
  const tensors: Map<string, Tensor> = arraysByName(arraysOf(optimizer, states, includeVariables));
  for (const [name, tensor] of userData.tensors) {
    if (tensors.has(name)) {
      throw new CheckpointError(
        `Two arrays would be called "${name}": give the variable another path, or the array a name.`,
      );
    }
    tensors.set(name, tensor);
  }
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    includes_variables: String(includeVariables),
    optimizer: configText(optimizer.getConfig()),
    ...overridesMetadata(optimizer),
  };
  for (const [name, { value }] of scalarsOf(states)) {
    const number = value[0] as number;
    if (arrayKind(value) === "Int32Array" && number < 0) {
      throw new CheckpointError(
        `The optimizer's ${name} is beyond 2 ** 31 - 1, the most that Keras counts: set it anew.`,
      );
    }
    metadata[name] = numberText(number);
  }
  return writeChecksummed({ metadata: { ...metadata, ...userData.metadata }, tensors });
}

/**
 * Puts back what `save` has saved, into an optimizer built over variables with the same paths and shapes: all of it, or nothing
 * and an error. The hyper-parameters are the optimizer's own; those it was saved with are in the file's metadata. Two of them
 * decide what the state means: `momentumMode`, and in the middle of an accumulation `gradientAccumulationSteps` must be as they
 * were. So must two overrides: with Keras' momentum `learningRateMultiplier`, and in the middle of an accumulation `trainable`.
 *
 * ```ts
 * import { load, save } from "rmsprop-wasm/checkpoint";
 *
 * const bytes = save(optimizer, { metadata: { epoch: "7" } });
 * const { metadata, arrays, missing, unexpected } = load(bytes, optimizer, { only: (path) => path === "w" });
 * [metadata["epoch"], missing, unexpected]; // ["7", [], []]
 * ```
 *
 * @param bytes what `save` has given.
 * @param optimizer one that is built over variables with the same paths and shapes.
 * @throws {CheckpointError} if the bytes were altered or truncated, or do not fit this optimizer; it says what and where.
 * @throws {StateError} if the optimizer is not built, or was freed.
 * @throws {TypeError} if `only` is no function, or returns neither true nor false.
 */
export function load(bytes: Uint8Array, optimizer: StoredOptimizer, options: LoadOptions = {}): Loaded {
  checkedBytes(bytes);
  assertStorable(optimizer);
  const isChosen = checkedOnly(option(checkedObject("options", options, ["only"]), "only"));
  const content = readContent(bytes);
  const { includesVariables, scalars, userData } = content;
  const states = optimizer.variables;
  const trained = optimizer.trainableVariables;
  const arrays = arraysOf(optimizer, states, includesVariables);
  const { found, missing, unexpected } = select(arrays, content, trained, isChosen);
  for (const [i, tensor] of found.entries()) if (tensor) assertFits(arrays[i] as StateArray, tensor);

  assertSameScalars(scalars, scalarsOf(states));
  const slots = new Set(states.map(({ slot }) => slot));
  const stays = new Set(missing);
  const compared = trained
    .filter(({ path }) => !stays.has(path))
    .map((variable) => ({
      path: variable.path,
      saved: content.overrides.get(variable.path) ?? {},
      now: optimizer.overridesOf(variable),
    }));
  assertCompatible(content.optimizer, optimizer.getConfig(), slots, scalars.get("iteration") ?? 0, compared);
  const values = includesVariables ? found.slice(0, trained.length) : [];
  const rest = found.slice(values.length).values();
  const weightOf = (state: StoredState): ArrayLike<number> | number => {
    if (state.variable === null) return state.ignored ? 0 : (scalars.get(state.name) as number);
    return (rest.next().value?.values as Float32Array | undefined) ?? valuesOf(state);
  };
  try {
    // A variable that was freed throws here, before anything has changed.
    for (const variable of trained) valuesOf(variable);
    // Checks the numbers and puts back all of the optimizer's own state, or nothing.
    optimizer.setWeights(states.map(weightOf));
  } catch (cause) {
    if (cause instanceof StateError || cause instanceof OutOfMemoryError) throw cause;
    throw new CheckpointError(`The checkpoint's state does not fit: ${cause}`, { cause });
  }
  for (const [i, tensor] of values.entries()) if (tensor) trained[i]?.assign(tensor.values as Float32Array);
  return { ...userData, missing, unexpected };
}

interface Selection extends Pick<Loaded, "missing" | "unexpected"> {
  /** For each array, the file's tensor; `undefined` if it is not chosen. */
  readonly found: readonly (StoredTensor | undefined)[];
}

/** @throws {CheckpointError} if the file lacks an array, or has others. */
function select(
  arrays: readonly StateArray[],
  content: CheckpointContent,
  trained: readonly StoredVariable[],
  isChosen: ((path: string) => boolean) | undefined,
): Selection {
  const { list } = content;
  // As the same optimizer has saved it: no name needs to be looked up.
  const isInOrder = list.length === arrays.length && list.every(({ name }, i) => name === arrays[i]?.name);
  if (isInOrder && !isChosen) return { found: list, missing: [], unexpected: [] };

  const { tensors } = content;
  const saved = isChosen ? variablesIn(tensors) : new Map<string, string[]>();
  const missing = isChosen ? trained.map(({ path }) => path).filter((path) => !isChosen(path)) : [];
  const unexpected = [...saved.keys()].filter((path) => !isChosen?.(path));
  const stays = new Set(missing);
  const byName = arraysByName(arrays);
  const found = arrays.map(({ name, path }) => {
    const tensor = tensors.get(name);
    if (stays.has(path)) return undefined;
    if (tensor) return tensor;
    throw new CheckpointError(arrayMismatch(name, tensors, true));
  });
  const left = new Set(
    unexpected.flatMap((path) => [path, ...(saved.get(path) ?? []).map((slot) => `${path}/${slot}`)]),
  );
  for (const name of tensors.keys()) {
    const array = byName.get(name);
    if (left.has(name) || (array && !stays.has(array.path))) continue;
    throw new CheckpointError(arrayMismatch(name, byName, false));
  }
  return { found, missing, unexpected };
}

/** @throws {CheckpointError} if the tensor has another type or shape than the array. */
function assertFits({ name, shape }: StateArray, tensor: StoredTensor): void {
  assertFloats(name, tensor);
  if (isSame(tensor.shape, shape)) return;
  throw new CheckpointError(`Tensor ${show(name)} has shape [${tensor.shape}]; the optimizer's has [${shape}].`);
}

const isSame = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((x, i) => x === b[i]);

function checkedOnly(only: unknown): ((path: string) => boolean) | undefined {
  if (only === undefined) return undefined;
  if (typeof only !== "function") throw new TypeError(message("only", "a function of a variable's path", only));
  return (path) => {
    const chosen: unknown = only(path);
    if (typeof chosen === "boolean") return chosen;
    throw new TypeError(`Argument \`only\` must return true or false; for ${show(path)} it returned ${show(chosen)}.`);
  };
}

/** The counters and rates of the file must be those that the optimizer has, no more and no less. */
function assertSameScalars(saved: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): void {
  for (const name of [...wanted.keys(), ...saved.keys()]) {
    if (!wanted.has(name) || !saved.has(name)) throw new CheckpointError(scalarMismatch(name, wanted.has(name)));
  }
}

/** The configuration as text that `load` can read; what a schedule of the user's gives can be anything. */
function configText(config: object): string {
  try {
    const text = stringifyConfig(config);
    parsedConfig(text);
    return text;
  } catch (cause) {
    throw new CheckpointError(`The optimizer's configuration cannot be saved as JSON: ${cause}`, { cause });
  }
}

function assertStorable(optimizer: StoredOptimizer): void {
  if (typeof optimizer?.getConfig !== "function") {
    throw new TypeError(message("optimizer", "an RMSprop or a LossScaleOptimizer", optimizer));
  }
  assertBuilt(optimizer);
}
