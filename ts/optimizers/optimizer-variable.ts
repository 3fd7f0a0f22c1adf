// What Keras calls an optimizer's variables: counters, the learning rate, and one slot per trained variable.

import type { Slot } from "../generated/codes.js";
import type { View } from "../memory/runtime.js";
import type { AnyVariable } from "../memory/variable.js";
import { integer } from "../support/checks.js";
import { MAXIMUM_CALLS } from "../support/errors.js";
import { PEEK } from "../support/internal.js";

/** Throws if the number is not one that can be assigned; `argument` names it in the message. */
type Check = (argument: string, value: number) => void;

const checkCount: Check = (argument, value) => {
  integer(argument, value, 0, MAXIMUM_CALLS);
};

/**
 * What all of an optimizer's variables have, whatever their type.
 *
 * ```ts
 * const rms = new RMSprop({ name: "rms" });
 * rms.build([w]);
 * const { name, path, shape, slot, variable } = rms.variables[2]!;
 * [name, path, shape, slot, variable === w]; // ["w_velocity", "rms/w_velocity", [], "velocity", true]
 * ```
 */
export interface OptimizerVariableDescription {
  /** The last part of the path. */
  readonly name: string;
  /** Such as `rm_sprop/dense_kernel_velocity`. */
  readonly path: string;
  /** Of the trained variable; `[]` for a counter or a rate. */
  readonly shape: readonly number[];
  /** Which kind of state this is; `null` for counters and rates. */
  readonly slot: Slot | null;
  /** The trained variable whose state this is; `null` for counters and rates. */
  readonly variable: AnyVariable | null;
  /** @internal Keras lists it, and nothing depends on it. */
  readonly ignored?: boolean;
  /** @internal */
  readonly assign: (values: ArrayLike<number>) => void;
  /** @internal For a variable of one number that not every number fits. */
  readonly check: Check | undefined;
}

/**
 * One of an optimizer's own variables, in Keras' order and by Keras' path. The value of a slot is a view on linear memory;
 * the value of a counter or a rate is a copy.
 */
export type OptimizerVariable = OptimizerVariableDescription &
  (
    | { readonly dtype: "int32"; readonly value: Int32Array<ArrayBuffer> }
    | { readonly dtype: "float32"; readonly value: Float32Array<ArrayBuffer> }
  );

/**
 * The state in one slot of a trained variable. A class, because objects with getters of their own take 1 µs each to make; its
 * texts are made when they are asked for, because they take as long.
 */
export class SlotVariable implements OptimizerVariableDescription {
  readonly shape: readonly number[];
  readonly dtype = "float32";
  readonly slot: Slot;
  readonly variable: AnyVariable;
  readonly check: undefined;
  readonly #optimizer: string;
  readonly #view: () => View<Float32Array<ArrayBuffer>>;

  constructor(optimizer: string, slot: Slot, variable: AnyVariable, view: () => View<Float32Array<ArrayBuffer>>) {
    this.#optimizer = optimizer;
    this.shape = variable.shape;
    this.slot = slot;
    this.variable = variable;
    this.#view = view;
  }

  get name(): string {
    return `${this.variable.path.replaceAll("/", "_")}_${this.slot}`;
  }

  get path(): string {
    return `${this.#optimizer}/${this.name}`;
  }

  get value(): Float32Array<ArrayBuffer> {
    return this.#view().get();
  }

  /** @internal */
  [PEEK](): Float32Array<ArrayBuffer> {
    return this.#view().peek();
  }

  assign(values: ArrayLike<number>): void {
    this.#view().peek().set(values);
  }
}

/** A counter. */
export function countVariable(
  optimizer: string,
  name: string,
  read: () => number,
  assign: (count: number) => void,
): OptimizerVariable {
  return {
    ...described(optimizer, name, assign, checkCount),
    dtype: "int32",
    get value() {
      return Int32Array.of(read());
    },
  };
}

/** A rate or a scale. */
export function rateVariable(
  optimizer: string,
  name: string,
  read: () => number,
  assign: (rate: number) => void,
  check?: Check,
): OptimizerVariable {
  return {
    ...described(optimizer, name, assign, check),
    dtype: "float32",
    get value() {
      return Float32Array.of(read());
    },
  };
}

function described(
  optimizer: string,
  name: string,
  assign: (value: number) => void,
  check?: Check,
): OptimizerVariableDescription {
  return {
    name,
    path: `${optimizer}/${name}`,
    shape: [],
    slot: null,
    variable: null,
    assign: (values) => assign(values[0] as number),
    check,
  };
}
