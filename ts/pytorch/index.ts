// The entry `rmsprop-wasm/pytorch`: the state of a `torch.optim.RMSprop`, from a safetensors file that Python wrote by the
// lines in docs/pytorch.md. PyTorch's formula is not Keras'; what cannot go on as it was is an error that names the cure.

import { ownBytes } from "../formats/own-bytes.js";
import { read, type Tensor } from "../formats/safetensors.js";
import type { Slot } from "../generated/codes.js";
import { CheckpointError, notBuilt, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { assertContinues, type Formula } from "./formula.js";
import { readGroups } from "./parameter-groups.js";

export { CheckpointError, type Formula, StateError };

/** What is needed of an optimizer: `RMSprop` of any entry of the package has it. */
export interface Receiver extends Formula {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state to put something into. */
  readonly built: boolean;
  /** Its own variables, in Keras' order. */
  readonly variables: readonly ReceiverVariable[];
  /** The variables it trains, in the order of PyTorch's parameters. */
  readonly trainableVariables: readonly Trained[];
  /** Puts all of its state in, by number, or throws and changes nothing. */
  loadOwnVariables(store: Readonly<Record<string, ArrayLike<number>>>): void;
}

/** What is needed of an optimizer's own variable. */
export interface ReceiverVariable {
  /** The last part of its path. */
  readonly name: string;
  /** Which kind of state it is; `null` for counters and rates. */
  readonly slot: Slot | null;
  /** Whose state it is; `null` for counters and rates. */
  readonly variable: Place | null;
  /** Its numbers. */
  readonly value: Float32Array | Int32Array;
}

/** What is needed of the variable that a state belongs to. */
export interface Place {
  /** Names it in messages. */
  readonly path: string;
  /** The shape that PyTorch's parameter must have. */
  readonly shape: readonly number[];
}

/** What is needed of a trained variable. */
export interface Trained extends Place {
  /** Its values; asking throws if it was freed. */
  readonly value: Float32Array;
  /** Sets all of its values. */
  assign(values: ArrayLike<number>): void;
}

/** What PyTorch calls the slots; the others it does not have. */
const NAMES: Readonly<Partial<Record<Slot, string>>> = {
  velocity: "square_avg",
  momentum: "momentum_buffer",
  average_gradient: "grad_avg",
};

/**
 * Puts the state of a `torch.optim.RMSprop` into an optimizer with the same options, built over variables in the order of
 * PyTorch's parameters: all of it, or nothing and an error. The learning rate is set too, unless a schedule decides it, and
 * so are the variables' values, if the file has them.
 *
 * @param bytes the content of the safetensors file.
 * @throws {CheckpointError} if the file is not as documented, or if the optimizer would not go on as PyTorch's; it says
 * why, and what to do.
 * @throws {StateError} if the optimizer is not built, or something was freed.
 */
export function loadPyTorch(bytes: Uint8Array, optimizer: Receiver): void {
  const own = ownBytes(bytes);
  if (typeof optimizer?.rho !== "number") throw new TypeError(message("optimizer", "an RMSprop", optimizer));
  if (!optimizer.built) throw notBuilt(optimizer.name);
  const { metadata, tensors } = read(own);
  const group = readGroups(metadata["param_groups"]);
  assertContinues(group, optimizer);

  const { trainableVariables: variables } = optimizer;
  if (group.params.length !== variables.length) {
    throw new CheckpointError(
      `The file has ${group.params.length} parameters; the optimizer was built with ${variables.length}.`,
    );
  }
  const file = new StateFile(tensors, new Map(variables.map((variable, i) => [variable, group.params[i] as number])));
  const steps = new Map(variables.map((variable) => [variable as Place, file.find(variable, "step", [])]));
  const counts = [...steps.values()].map((values) => values?.[0] ?? 0);
  // One that is no count must not hide behind a greater one.
  const iteration =
    counts.find((count) => !(Number.isInteger(count) && count >= 0)) ??
    counts.reduce((most, count) => Math.max(most, count), 0);
  const store = optimizer.variables.map(({ name, slot, variable, value }): ArrayLike<number> => {
    if (variable === null) return [name === "iteration" ? iteration : group.lr];
    const key = NAMES[slot as Slot];
    if (key === undefined) {
      throw new CheckpointError(
        `PyTorch keeps no ${slot}: make the optimizer without useEma and gradientAccumulationSteps.`,
      );
    }
    // A parameter that never had a gradient has no state.
    return steps.get(variable) ? file.get(variable, key) : new Float32Array(value.length);
  });
  const hasValues = variables.some((variable) => file.find(variable, "value"));
  const values = hasValues ? variables.map((variable) => file.get(variable, "value")) : [];
  file.assertAllUsed();

  // A variable that was freed throws here, before anything has changed.
  for (const variable of variables) void variable.value;
  try {
    optimizer.loadOwnVariables(Object.fromEntries(store.entries()));
  } catch (cause) {
    if (cause instanceof StateError) throw cause;
    throw new CheckpointError(`The file's state does not fit: ${cause}`, { cause });
  }
  for (const [i, numbers] of values.entries()) variables[i]?.assign(numbers);
}

/** The tensors of the file, by the parameters that they belong to. */
class StateFile {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  /** The parameters' numbers, which their tensors' names begin with. */
  readonly #numbers: ReadonlyMap<Place, number>;
  readonly #unused: Set<string>;

  constructor(tensors: ReadonlyMap<string, Tensor>, numbers: ReadonlyMap<Place, number>) {
    this.#tensors = tensors;
    this.#numbers = numbers;
    this.#unused = new Set(tensors.keys());
  }

  /** What is kept for a variable under PyTorch's name, or `undefined`; it must have the variable's shape. */
  find(variable: Place, key: string, shape = variable.shape): Tensor["values"] | undefined {
    const name = this.#name(variable, key);
    const tensor = this.#tensors.get(name);
    this.#unused.delete(name);
    if (tensor && !(tensor.values instanceof Float32Array))
      throw new CheckpointError(`Tensor ${show(name)} must have dtype F32; it holds ${show(tensor.values)}.`);
    if (tensor && String(tensor.shape) !== String(shape)) {
      throw new CheckpointError(
        `Tensor ${show(name)} has shape [${tensor.shape}]; for variable "${variable.path}" it must be [${shape}].`,
      );
    }
    return tensor?.values;
  }

  /** The same, if it must be there. */
  get(variable: Place, key: string): Tensor["values"] {
    const values = this.find(variable, key);
    if (values) return values;
    throw new CheckpointError(`The file has no ${show(this.#name(variable, key))}, for variable "${variable.path}".`);
  }

  assertAllUsed(): void {
    const [unknown] = this.#unused;
    if (unknown !== undefined) throw new CheckpointError(`The file's tensor ${show(unknown)} is not known.`);
  }

  #name(variable: Place, key: string): string {
    return `${this.#numbers.get(variable)}/${key}`;
  }
}
