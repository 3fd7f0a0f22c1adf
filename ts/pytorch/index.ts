// The entry `rmsprop-wasm/pytorch`: the state of a `torch.optim.RMSprop`, from a safetensors file that Python wrote by the
// lines in docs/pytorch.md. PyTorch's formula is not Keras'; what cannot go on as it was is an error that names the cure.

import { read, type Tensor } from "../checkpoint/safetensors.js";
import { CheckpointError, message, StateError, show } from "../errors.js";
import type { Slot } from "../generated/codes.js";

export { CheckpointError };

/** What is needed of an optimizer: `RMSprop` of any entry of the package has it. */
export interface Receiver {
  readonly built: boolean;
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;
  /** Where ε is added to the root's argument, as in Keras, or to the root. */
  readonly epsilonMode?: "inside" | "outside";
  /** Whether the learning rate is in the momentum, as in Keras, or is applied after it. */
  readonly momentumMode?: "keras" | "torch";
  readonly variables: readonly {
    readonly name: string;
    readonly slot: Slot | null;
    readonly variable: Place | null;
    readonly value: Float32Array | Int32Array;
  }[];
  readonly trainableVariables: readonly Trained[];
  loadOwnVariables(store: Readonly<Record<string, ArrayLike<number>>>): void;
}

interface Place {
  readonly path: string;
  readonly shape: readonly number[];
}

interface Trained extends Place {
  readonly value: Float32Array;
  assign(values: ArrayLike<number>): void;
}

/** A group of parameters in PyTorch's `state_dict`, as far as it is used. */
interface Group {
  readonly lr: number;
  readonly alpha: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
  readonly weight_decay: number;
  readonly maximize: boolean;
  readonly params: readonly number[];
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
  if (!(bytes instanceof Uint8Array)) throw new TypeError(message("bytes", "a Uint8Array", bytes));
  if (typeof optimizer?.rho !== "number") throw new TypeError(message("optimizer", "an RMSprop", optimizer));
  if (!optimizer.built) throw new StateError("The optimizer is not built: call build(variables) first.");
  const { metadata, tensors } = read(Uint8Array.from(bytes));
  const group = groupOf(metadata["param_groups"]);
  assertContinues(group, optimizer);

  const { trainableVariables: variables } = optimizer;
  if (group.params.length !== variables.length) {
    throw new CheckpointError(
      `The file has ${group.params.length} parameters; the optimizer was built with ${variables.length}.`,
    );
  }
  const ids = new Map<object, number>(variables.map((variable, i) => [variable, group.params[i] as number]));
  const unused = new Set(tensors.keys());
  /** What the file keeps for a variable of this shape under a name, or `undefined`. */
  const find = (variable: Place, key: string, shape = variable.shape): Tensor | undefined => {
    const name = `${ids.get(variable)}/${key}`;
    const tensor = tensors.get(name);
    unused.delete(name);
    if (tensor && String(tensor.shape) !== String(shape)) {
      throw new CheckpointError(
        `Tensor ${show(name)} has shape [${tensor.shape}]; for variable "${variable.path}" it must be [${shape}].`,
      );
    }
    return tensor;
  };
  const steps = new Map(variables.map((variable) => [variable as Place, find(variable, "step", [])?.values[0]]));
  const iteration = [...steps.values()].reduce<number>((most, step = 0) => Math.max(most, step), 0);
  const store = optimizer.variables.map(({ name, slot, variable, value }): ArrayLike<number> => {
    if (variable === null) return [name === "iteration" ? iteration : group.lr];
    const key = NAMES[slot as Slot];
    if (key === undefined) {
      throw new CheckpointError(
        `PyTorch keeps no ${slot}: make the optimizer without useEma and gradientAccumulationSteps.`,
      );
    }
    const tensor = find(variable, key);
    if (tensor) return tensor.values;
    // A parameter that never had a gradient has no state.
    if (steps.get(variable) === undefined) return new Float32Array(value.length);
    throw new CheckpointError(
      `The file has no ${show(`${ids.get(variable)}/${key}`)}, for variable "${variable.path}".`,
    );
  });
  const values = variables.map((variable) => find(variable, "value")?.values);
  if (values.some((value) => value) && values.some((value) => !value)) {
    throw new CheckpointError("The file has the values of some parameters, not of all.");
  }
  const [unknown] = unused;
  if (unknown !== undefined) throw new CheckpointError(`The file's tensor ${show(unknown)} is not known.`);

  // A variable that was freed throws here, before anything has changed.
  for (const variable of variables) void variable.value;
  try {
    optimizer.loadOwnVariables(Object.fromEntries(store.entries()));
  } catch (cause) {
    if (cause instanceof StateError) throw cause;
    throw new CheckpointError(`The file's state does not fit: ${cause}`, { cause });
  }
  variables.forEach((variable, i) => {
    if (values[i]) variable.assign(values[i]);
  });
}

/** The one place that knows how PyTorch's formula differs from this optimizer's. */
function assertContinues(group: Group, optimizer: Receiver): void {
  const { epsilonMode = "inside", momentumMode = "keras" } = optimizer;
  const same = (theirs: keyof Group, ours: "rho" | "momentum" | "epsilon" | "centered") => {
    if (group[theirs] === optimizer[ours]) return;
    throw new CheckpointError(
      `PyTorch's ${theirs} is ${group[theirs]}, this optimizer's ${ours} ${optimizer[ours]}: make it with \`${ours}: ${group[theirs]}\`.`,
    );
  };
  same("alpha", "rho");
  same("centered", "centered");
  same("eps", "epsilon");
  same("momentum", "momentum");
  if (group.eps !== 0 && epsilonMode !== "outside") {
    throw new CheckpointError(
      `PyTorch adds eps (${group.eps}) to the square root, this optimizer under it: make it with \`epsilonMode: "outside"\`.`,
    );
  }
  if (group.momentum > 0 && momentumMode !== "torch") {
    throw new CheckpointError(
      'PyTorch applies the learning rate after the momentum, this optimizer before it: make it with `momentumMode: "torch"`.',
    );
  }
  if (group.weight_decay !== 0) {
    throw new CheckpointError(
      `PyTorch adds weight_decay (${group.weight_decay}) times the values to the gradients; weightDecay takes it from the values. Add it to the gradients yourself, and save with weight_decay = 0.`,
    );
  }
  if (group.maximize) {
    throw new CheckpointError(
      "PyTorch's maximize goes up the gradients: negate them yourself, and save with maximize = False.",
    );
  }
}

/** The types of a group's entries. */
const ENTRIES = {
  lr: "number",
  alpha: "number",
  eps: "number",
  momentum: "number",
  centered: "boolean",
  weight_decay: "number",
} as const;

/** All groups as one, if they have the same options. */
function groupOf(text: string | undefined): Group {
  if (text === undefined) {
    throw new CheckpointError("The file's metadata have no param_groups: save it by the lines in docs/pytorch.md.");
  }
  const groups = parsed(text);
  const [first] = groups;
  if (!first) throw new CheckpointError("The file's param_groups are empty.");
  for (const [key, type] of Object.entries({ ...ENTRIES, maximize: "boolean" })) {
    for (const group of groups) {
      // Before PyTorch 1.12 there was no maximize.
      const value = group[key] ?? (key === "maximize" ? false : undefined);
      if (typeof value !== type) {
        throw new CheckpointError(
          `The file's param_groups must be those of a torch.optim.RMSprop: ${key} must be a ${type}; it is ${show(value)}.`,
        );
      }
      if (value !== (first[key] ?? false)) {
        throw new CheckpointError(
          `The file's groups of parameters have different ${key}: save each group as an optimizer of its own.`,
        );
      }
    }
  }
  const params = groups.flatMap(({ params }) => (Array.isArray(params) ? (params as unknown[]) : [params]));
  const wrong = params.find((id) => !Number.isSafeInteger(id));
  if (params.includes(undefined) || wrong !== undefined || new Set(params).size !== params.length) {
    throw new CheckpointError(`The file's param_groups must list distinct numbers as params; received ${show(wrong)}.`);
  }
  return { ...(first as unknown as Group), maximize: first["maximize"] === true, params: params as number[] };
}

function parsed(text: string): Record<string, unknown>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`The file's param_groups are not JSON: ${cause}`, { cause });
  }
  if (Array.isArray(value) && value.every((group) => typeof group === "object" && group !== null)) return value;
  throw new CheckpointError(`The file's param_groups must be a list of groups; received ${show(value)}.`);
}
