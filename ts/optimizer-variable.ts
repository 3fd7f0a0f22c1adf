// What Keras calls an optimizer's variables: counters, the learning rate, and one slot per trained variable.
import { whole } from "./errors.js";

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
  /** Slots: a view on linear memory. Counters and rates: a copy. */
  readonly value: Int32Array | Float32Array;
  /** @internal */
  readonly assign: (values: ArrayLike<number>) => void;
  /** @internal For a variable of one number that not every number fits. */
  readonly check: Check | undefined;
}

/** An optimizer's variable from its parts; `read` and `assign` reach the value. */
export function optimizerVariable(
  optimizer: string,
  name: string,
  shape: readonly number[],
  dtype: OptimizerVariable["dtype"],
  read: () => Int32Array | Float32Array,
  assign: OptimizerVariable["assign"],
  check?: Check,
): OptimizerVariable {
  return {
    name,
    path: `${optimizer}/${name}`,
    shape,
    dtype,
    get value() {
      return read();
    },
    assign,
    check,
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
  const array = () => (dtype === "int32" ? Int32Array.of(read()) : Float32Array.of(read()));
  return optimizerVariable(optimizer, name, [], dtype, array, (values) => assign(values[0] as number), check);
}
