// What Keras calls an optimizer's variables: counters, the learning rate, and one slot per trained variable.

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
}

/** An optimizer's variable from its parts; `read` and `assign` reach the value. */
export function optimizerVariable(
  optimizer: string,
  name: string,
  shape: readonly number[],
  dtype: OptimizerVariable["dtype"],
  read: () => Int32Array | Float32Array,
  assign: OptimizerVariable["assign"],
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
  };
}

/** A variable of one number. */
export function scalarVariable(
  optimizer: string,
  name: string,
  dtype: OptimizerVariable["dtype"],
  read: () => number,
  assign: (value: number) => void,
): OptimizerVariable {
  const array = () => (dtype === "int32" ? Int32Array.of(read()) : Float32Array.of(read()));
  return optimizerVariable(optimizer, name, [], dtype, array, (values) => assign(values[0] as number));
}
