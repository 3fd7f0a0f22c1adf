// The entry `rmsprop-wasm/checkpoint`: an optimizer's whole state, and its variables, as one safetensors file.

import { readSealed, writeSealed } from "../formats/checksummed.js";
import { ownBytes } from "../formats/own-bytes.js";
import type { Tensor } from "../formats/safetensors.js";
import { KEPT_BY, SLOTS } from "../generated/codes.js";
import { stringifyConfig } from "../optimizers/config-json.js";
import { assertBuilt } from "../support/assert-built.js";
import { checkedObject, option } from "../support/checks.js";
import { CheckpointError, type PackageError, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { arrayKind } from "../support/typed-array.js";
import { assertSameMeaning, parsedConfig } from "./compatibility.js";

export { CheckpointError, type PackageError, StateError };

const FORMAT = "rmsprop-wasm checkpoint";
const VERSION = "1";

/** What to look for when names do not match. */
const HINT = "; check the variables' paths and the optimizer's options.";

/** Options of `save`. */
export interface SaveOptions {
  /** Whether the values of the trained variables are saved too, not only the optimizer's state. Default true. */
  readonly includeVariables?: boolean | undefined;
}

/**
 * What a checkpoint needs of an optimizer, of any entry of the package: `RMSprop` and `LossScaleOptimizer` have it.
 */
export interface Checkpointed {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state to save. */
  readonly built: boolean;
  /** Its counters, rates and slots. */
  readonly variables: readonly CheckpointedState[];
  /** The variables it trains. */
  readonly trainableVariables: readonly CheckpointedVariable[];
  /** Its configuration, which goes into the file's metadata. */
  getConfig(): object;
  /** Puts back the values of `variables`: all of them, or none and an error. */
  setWeights(weights: readonly (ArrayLike<number> | number)[]): void;
}

/** What a checkpoint needs of a trained variable. */
export interface CheckpointedVariable {
  /** The tensor's name in the file. */
  readonly path: string;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** The values in C order. */
  readonly value: Float32Array;
  /** Copies as many values in. */
  assign(values: ArrayLike<number>): void;
}

/** What a checkpoint needs of one of an optimizer's own variables. */
export interface CheckpointedState {
  /** The key of a counter or a rate in the file's metadata. */
  readonly name: string;
  /** Lengths of the dimensions; `[]` for a counter or a rate. */
  readonly shape: readonly number[];
  /** Which kind of state this is; `null` for a counter or a rate. */
  readonly slot: string | null;
  /** The trained variable whose state this is; `null` for a counter or a rate. */
  readonly variable: { readonly path: string } | null;
  /** The values in C order. */
  readonly value: Int32Array | Float32Array;
  /** Keras lists it, and nothing depends on it. */
  readonly ignored?: boolean;
}

/** An array by its name in the file, where it is now, and how many it must be. */
interface Place {
  readonly shape: readonly number[];
  readonly view: () => Float32Array;
}

/** The arrays of a checkpoint: `<path>` for a variable's values, `<path>/velocity` and so on for its slots. */
function places(optimizer: Checkpointed, includeVariables: boolean): Map<string, Place> {
  const found = new Map<string, Place>();
  const add = (name: string, shape: readonly number[], view: () => Float32Array) => {
    if (name === "__metadata__") throw new CheckpointError(`No variable may have the path "${name}": files use it.`);
    if (found.has(name)) {
      throw new CheckpointError(`Two arrays would be called "${name}": give the variables different paths.`);
    }
    found.set(name, { shape, view });
  };
  if (includeVariables) {
    for (const variable of optimizer.trainableVariables) add(variable.path, variable.shape, () => variable.value);
  }
  for (const state of optimizer.variables) {
    if (state.variable) add(slotName(state), state.shape, () => state.value as Float32Array);
  }
  return found;
}

const slotName = ({ variable, slot }: CheckpointedState) => `${variable?.path}/${slot}`;

/** The number as text from which `Number` makes it again; `String` forgets the sign of -0. */
const numberText = (number: number) => (Object.is(number, -0) ? "-0" : String(number));

/** Counters and rates by their names. */
function scalars(optimizer: Checkpointed): Map<string, CheckpointedState> {
  const own = optimizer.variables.filter(({ variable, ignored }) => variable === null && !ignored);
  return new Map(own.map((scalar) => [scalar.name, scalar]));
}

/**
 * The optimizer's whole state as the bytes of a safetensors file: slots, counters, learning rate, loss scale, and the
 * values of the variables it trains. Loading it continues with the same bits, at any moment of a run.
 *
 * @throws {StateError} if the optimizer is not built, or was freed.
 * @throws {CheckpointError} if two variables have the same path.
 */
export function save(optimizer: Checkpointed, options: SaveOptions = {}): Uint8Array<ArrayBuffer> {
  assertStorable(optimizer);
  const given = checkedObject("options", options, ["includeVariables"]);
  const includeVariables = option(given, "includeVariables") ?? true;
  if (typeof includeVariables !== "boolean") {
    throw new TypeError(message("includeVariables", "true or false", includeVariables));
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, view }] of places(optimizer, includeVariables))
    tensors.set(name, { shape, values: view() });
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    includes_variables: String(includeVariables),
    optimizer: configText(optimizer.getConfig()),
  };
  for (const [name, { value }] of scalars(optimizer)) {
    const number = value[0] as number;
    if (arrayKind(value) === "Int32Array" && number < 0) {
      throw new CheckpointError(
        `The optimizer's ${name} is beyond 2 ** 31 - 1, the most that Keras counts: set it anew.`,
      );
    }
    metadata[name] = numberText(number);
  }
  return writeSealed({ metadata, tensors });
}

/**
 * Puts back what `save` has saved, into an optimizer built over variables with the same paths and shapes: all of it, or
 * nothing and an error. The hyper-parameters are the optimizer's own; those it was saved with are in the file's metadata.
 * Two of them decide what the state means: `momentumMode`, and in the middle of an accumulation `gradientAccumulationSteps`
 * must be as they were.
 *
 * @throws {CheckpointError} if the bytes were altered or truncated, or do not fit this optimizer; it says what and where.
 * @throws {StateError} if the optimizer is not built, or was freed.
 */
export function load(bytes: Uint8Array, optimizer: Checkpointed): void {
  const own = ownBytes(bytes);
  assertStorable(optimizer);
  const { metadata, tensors } = readSealed(own, assertOurs);
  const targets = places(optimizer, metadata["includes_variables"] === "true");
  for (const [name, { shape }] of targets) {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new CheckpointError(optionText(name, tensors, true) ?? `The checkpoint has no tensor ${show(name)}${HINT}`);
    if (!(tensor.values instanceof Float32Array))
      throw new CheckpointError(`Tensor ${show(name)} must have dtype F32; it holds ${show(tensor.values)}.`);
    if (String(tensor.shape) !== String(shape)) {
      throw new CheckpointError(`Tensor ${show(name)} has shape [${tensor.shape}]; the optimizer's has [${shape}].`);
    }
  }
  const unknown = [...tensors.keys()].find((name) => !targets.has(name));
  if (unknown !== undefined) {
    throw new CheckpointError(
      optionText(unknown, targets, false) ??
        `The checkpoint's tensor ${show(unknown)} is not known to the optimizer${HINT}`,
    );
  }

  const numbers = checkedScalars(metadata, scalars(optimizer));
  const slots = new Set(optimizer.variables.map(({ slot }) => slot));
  assertSameMeaning(metadata["optimizer"], optimizer.getConfig(), slots, numbers.get("iteration") ?? 0);
  try {
    // Checks the numbers and puts back all of the optimizer's own state, or nothing.
    const values = (state: CheckpointedState) =>
      state.variable ? tensors.get(slotName(state))?.values : state.ignored ? 0 : (numbers.get(state.name) as number);
    // A variable that was freed throws here, before anything has changed.
    for (const variable of optimizer.trainableVariables) void variable.value;
    optimizer.setWeights(optimizer.variables.map((state) => values(state) ?? []));
  } catch (cause) {
    throw cause instanceof StateError
      ? cause
      : new CheckpointError(`The checkpoint's state does not fit: ${cause}`, { cause });
  }
  if (metadata["includes_variables"] !== "true") return;
  for (const variable of optimizer.trainableVariables) variable.assign(tensors.get(variable.path)?.values ?? []);
}

/** The counters and rates of the file: those the optimizer has, no more and no less. */
function checkedScalars(
  metadata: Readonly<Record<string, string>>,
  wanted: ReadonlyMap<string, CheckpointedState>,
): Map<string, number> {
  const { format, version, includes_variables, optimizer, checksum, ...stored } = metadata;
  const names = new Set([...wanted.keys(), ...Object.keys(stored)]);
  return new Map(
    [...names].map((name) => {
      const [isWanted, text] = [wanted.has(name), stored[name]];
      if (!isWanted || text === undefined) throw new CheckpointError(scalarText(name, isWanted));
      const number = Number(text);
      if (numberText(number) !== text) {
        throw new CheckpointError(`The checkpoint's ${show(name)} must be a number; it is ${show(text)}.`);
      }
      return [name, number];
    }),
  );
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

function assertOurs({ format, version }: Readonly<Record<string, string>>): void {
  if (format === FORMAT && version === VERSION) return;
  throw new CheckpointError(
    `The file must be a "${FORMAT}" of version ${VERSION}; it is ${show(format)} of version ${show(version)}.`,
  );
}

/** What to say of a counter or a rate that only the optimizer has, or only the file. */
function scalarText(name: string, isWanted: boolean): string {
  if (name === "learning_rate") {
    return isWanted
      ? "The checkpoint was saved with a schedule or a function as learning rate, this optimizer's is a number: give it such a one, then load."
      : "The checkpoint was saved with a number as learning rate, this optimizer's is a schedule or a function: make it with a number, load, then set `learningRate`.";
  }
  if (name === "dynamic_scale" || name === "step_counter") {
    return isWanted
      ? "The checkpoint is not of a LossScaleOptimizer: load it into the `innerOptimizer`."
      : "The checkpoint is of a LossScaleOptimizer: load it into one.";
  }
  return isWanted
    ? `The checkpoint has no ${show(name)}${HINT}`
    : `The checkpoint's ${show(name)} is not known to the optimizer${HINT}`;
}

/** What to say of state that only the optimizer has, or only the file, if the other has the variable: an option decides. */
function optionText(name: string, others: ReadonlyMap<string, unknown>, isWanted: boolean): string | undefined {
  const cut = name.lastIndexOf("/");
  const [path, slot] = [name.slice(0, cut), name.slice(cut + 1)];
  const option = KEPT_BY[(SLOTS as readonly string[]).indexOf(slot)]?.option;
  if (option === undefined || !others.has(`${path}/velocity`)) return undefined;
  return isWanted
    ? `The checkpoint has no state (${slot}) of ${show(path)}: it was saved with \`${option}\` off. Make the optimizer without it.`
    : `The checkpoint has state (${slot}) of ${show(path)}, which this optimizer does not keep: make it with \`${option}\`.`;
}

function assertStorable(optimizer: Checkpointed): void {
  if (typeof optimizer?.getConfig !== "function") {
    throw new TypeError(message("optimizer", "an RMSprop or a LossScaleOptimizer", optimizer));
  }
  assertBuilt(optimizer);
}
