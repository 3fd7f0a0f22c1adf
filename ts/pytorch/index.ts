// The entry `rmsprop-wasm/pytorch`: the state of a `torch.optim.RMSprop`, or of timm's `RMSpropTF`, from a safetensors file that
// Python wrote by the lines in docs/pytorch.md. What cannot go on as it was is an error that names the cure.

import { checkedBytes } from "../formats/bytes.js";
import { floatsIn, read, type StoredTensor } from "../formats/safetensors.js";
import type { StoredOptimizer, StoredState, StoredVariable } from "../formats/stored-optimizer.js";
import type { Slot } from "../generated/codes.js";
import { PYTORCH } from "../rule/slot-names.js";
import { CheckpointError, notBuilt, StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { assertContinues, type Formula } from "./formula.js";
import { commonRate, readGroups } from "./parameter-groups.js";

export {
  CheckpointError,
  type Formula,
  StateError,
  type StoredState as ReceiverVariable,
  type StoredVariable as Trained,
};

/** What is needed of an optimizer: `RMSprop` of any entry of the package has it. */
export interface Receiver extends Formula, Omit<StoredOptimizer, "getConfig"> {
  /** Gives variables of its own another learning rate and weight decay. */
  override(
    which: { readonly variables: readonly never[] },
    options: { readonly learningRateMultiplier: number; readonly weightDecay: number | false },
  ): void;
}

/** Types of a step: PyTorch's own is float32, or its default type; integers are those of older versions, and of the file's author. */
const STEPS: readonly string[] = ["F32", "F64", "I32", "I64"];

/**
 * Puts the state of a `torch.optim.RMSprop`, or of timm's `RMSpropTF`, into an optimizer with the same options, built over
 * variables in the order of PyTorch's parameters, group by group: all of it, or nothing and an error. The learning rate is set
 * too, unless a schedule decides it, and so are the variables' values, if the file has them. If there are several groups, their
 * rates and decays become overrides of their variables.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { loadPyTorch } from "rmsprop-wasm/pytorch";
 *
 * const weight = new Variable(new Float32Array(21), { name: "weight", shape: [3, 7] });
 * const bias = new Variable(new Float32Array(2), { name: "bias" });
 * const rms = new RMSprop({ rho: 0.99, epsilon: 1e-8, epsilonMode: "outside" });
 * rms.build([weight, bias]);
 * loadPyTorch(await readFile("rmsprop.safetensors"), rms);
 * ```
 *
 * @param bytes the content of the safetensors file.
 * @param optimizer an RMSprop with the file's options, built over variables in PyTorch's order.
 * @throws {CheckpointError} if the file is not as documented, or if the optimizer would not go on as PyTorch's; it says
 * why, and what to do.
 * @throws {StateError} if the optimizer is not built, or something was freed.
 */
export function loadPyTorch(bytes: Uint8Array, optimizer: Receiver): void {
  const own = checkedBytes(bytes);
  if (typeof optimizer?.rho !== "number") throw new TypeError(message("optimizer", "an RMSprop", optimizer));
  if (!optimizer.built) throw notBuilt(optimizer.name);
  const { metadata, tensors } = read(own);
  const found = readGroups(metadata.get("param_groups"));
  assertContinues(found, optimizer);

  const { groups, isTimm } = found;
  const rate = commonRate(groups);
  const { trainableVariables: variables } = optimizer;
  const params = groups.flatMap((group) => group.params);
  if (params.length !== variables.length) {
    throw new CheckpointError(
      `The file has ${params.length} parameters; the optimizer was built with ${variables.length}.`,
    );
  }
  const file = new StateFile(tensors, new Map(variables.map((variable, i) => [variable, params[i] as number])));
  const steps = new Map(variables.map((variable) => [variable, file.step(variable)]));
  const counts = [...steps.values()].map((count) => count ?? 0);
  // One that is no count must not hide behind a greater one.
  const iteration =
    counts.find((count) => !(Number.isInteger(count) && count >= 0)) ??
    counts.reduce((most, count) => Math.max(most, count), 0);
  const store = optimizer.variables.map(({ name, slot, variable, value }): ArrayLike<number> => {
    if (variable === null) return [name === "iteration" ? iteration : rate];
    const key = PYTORCH[slot as Slot];
    if (key === undefined) {
      throw new CheckpointError(
        `PyTorch keeps no ${slot}: make the optimizer without useEma and gradientAccumulationSteps.`,
      );
    }
    if (steps.get(variable) !== undefined) return file.get(variable, key);
    // A parameter that never had a gradient has no state: it will begin at 0, but timm's mean of squares at 1.
    return new Float32Array(value.length).fill(isTimm && slot === "velocity" ? 1 : 0);
  });
  const hasValues = variables.some((variable) => file.find(variable, "value"));
  const values = hasValues ? variables.map((variable) => file.get(variable, "value")) : [];
  file.assertAllUsed();

  // A variable that was freed throws here, before anything has changed.
  for (const variable of variables) void variable.value;
  try {
    optimizer.setWeights(store);
  } catch (cause) {
    if (cause instanceof StateError) throw cause;
    throw new CheckpointError(`The file's state does not fit: ${cause}`, { cause });
  }
  for (const [i, numbers] of values.entries()) variables[i]?.assign(numbers);
  if (groups.length === 1) return;
  let begin = 0;
  for (const { lr, weight_decay: decay, params: own } of groups) {
    const end = begin + own.length;
    if (end > begin) {
      // The quotient of the float32 rates: η times the multiplier then rounds to the group's rate.
      const learningRateMultiplier = rate === 0 ? 1 : Math.fround(lr) / Math.fround(rate);
      optimizer.override(
        { variables: variables.slice(begin, end) as never[] },
        { learningRateMultiplier, weightDecay: decay === 0 ? false : decay },
      );
    }
    begin = end;
  }
}

/** The tensors of the file, by the parameters that they belong to. */
class StateFile {
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  /** The parameters' numbers, which their tensors' names begin with. */
  readonly #numbers: ReadonlyMap<StoredVariable, number>;
  readonly #unused: Set<string>;

  constructor(tensors: ReadonlyMap<string, StoredTensor>, numbers: ReadonlyMap<StoredVariable, number>) {
    this.#tensors = tensors;
    this.#numbers = numbers;
    this.#unused = new Set(tensors.keys());
  }

  /** How many steps a parameter has taken; `undefined` if it never had a gradient. */
  step(variable: StoredVariable): number | undefined {
    const found = this.#find(variable, "step", []);
    if (!found) return undefined;
    const values = STEPS.includes(found.dtype) ? found.values : undefined;
    if (values) return Number(values[0]);
    const rule = `dtype ${STEPS.join(", ").replace(/, (?=\w+$)/, " or ")}`;
    throw new CheckpointError(
      `Tensor ${show(this.#name(variable, "step"))} must have ${rule}; it has ${show(found.dtype)}.`,
    );
  }

  /** What is kept for a variable under PyTorch's name, or `undefined`; it must have the variable's shape. */
  find(variable: StoredVariable, key: string): Float32Array | undefined {
    const found = this.#find(variable, key, variable.shape);
    return found && floatsIn(this.#name(variable, key), found);
  }

  /** The same, if it must be there. */
  get(variable: StoredVariable, key: string): Float32Array {
    const values = this.find(variable, key);
    if (values) return values;
    throw new CheckpointError(`The file has no ${show(this.#name(variable, key))}, for variable "${variable.path}".`);
  }

  assertAllUsed(): void {
    const [unknown] = this.#unused;
    if (unknown !== undefined) throw new CheckpointError(`The file's tensor ${show(unknown)} is not known.`);
  }

  #find(variable: StoredVariable, key: string, shape: readonly number[]): StoredTensor | undefined {
    const name = this.#name(variable, key);
    const tensor = this.#tensors.get(name);
    this.#unused.delete(name);
    if (tensor && String(tensor.shape) !== String(shape)) {
      throw new CheckpointError(
        `Tensor ${show(name)} has shape [${tensor.shape}]; for variable "${variable.path}" it must be [${shape}].`,
      );
    }
    return tensor;
  }

  #name(variable: StoredVariable, key: string): string {
    return `${this.#numbers.get(variable)}/${key}`;
  }
}
