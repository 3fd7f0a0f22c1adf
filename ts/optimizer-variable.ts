// What Keras calls an optimizer's variables: counters, the learning rate, and one slot per trained variable.
import { whole } from "./errors.js";
import type { Slot } from "./generated/codes.js";
import type { Variable } from "./variable.js";

/** Throws if the number is not one that can be assigned; `argument` names it in the message. */
type Check = (argument: string, value: number) => void;

const checkCount: Check = (argument, value) => {
  whole(argument, value, 0, 2 ** 31 - 1);
};

/** One of an optimizer's own variables, in Keras' order and by Keras' path. */
export interface OptimizerVariable {
  /** The last part of the path. */
  readonly name: string;
  /** Such as `rm_sprop/dense_kernel_velocity`. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: "int32" | "float32";
  /** Which kind of state this is; `null` for counters and rates. */
  readonly slot: Slot | null;
  /** The trained variable whose state this is; `null` for counters and rates. */
  readonly variable: Variable | null;
  /** Slots: a view on linear memory. Counters and rates: a copy. */
  readonly value: Int32Array | Float32Array;
  /** @internal */
  readonly assign: (values: ArrayLike<number>) => void;
  /** @internal For a variable of one number that not every number fits. */
  readonly check: Check | undefined;
}

/** The state in one slot of a trained variable; `read` gives the view. */
export function slotVariable(
  optimizer: string,
  slot: Slot,
  variable: Variable,
  read: () => Float32Array,
): OptimizerVariable {
  const name = `${variable.path.replaceAll("/", "_")}_${slot}`;
  return {
    name,
    path: `${optimizer}/${name}`,
    shape: variable.shape,
    dtype: "float32",
    slot,
    variable,
    get value() {
      return read();
    },
    assign: (values) => read().set(values),
    check: undefined,
  };
}

/** A variable of one number. */
export function scalarVariable(
  optimizer: string,
  name: string,
  dtype: OptimizerVariable["dtype"],
  read: () => number,
  assign: (value: number) => void,
  check: Check | undefined = dtype === "int32" ? checkCount : undefined,
): OptimizerVariable {
  return {
    name,
    path: `${optimizer}/${name}`,
    shape: [],
    dtype,
    slot: null,
    variable: null,
    get value() {
      return dtype === "int32" ? Int32Array.of(read()) : Float32Array.of(read());
    },
    assign: (values) => assign(values[0] as number),
    check,
  };
}
