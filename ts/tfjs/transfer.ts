// Values between tfjs' memory and ours: one copy each way.

import type { Variable } from "../memory/variable.js";
import { sizeOf } from "../support/size-of.js";
import type { TensorFlow, TensorLike, VariableLike } from "./tensorflow.js";

/** A variable of tfjs, and the one in our memory that holds its values. */
export interface Binding {
  readonly name: string;
  readonly shape: readonly number[];
  readonly variable: Variable;
  /** Not known yet for state that was loaded and waits for its variable. */
  tensor: VariableLike | undefined;
  /** The storage of `tensor` whose values ours has. */
  dataId: object | undefined;
}

/** Copies the values in, unless ours are the same. */
export function copyIn(tf: TensorFlow, bindings: readonly Binding[]): void {
  const changed = bindings.filter(({ tensor, dataId }) => tensor && tensor.dataId !== dataId);
  const values = readAll(
    tf,
    changed.map(({ tensor }) => tensor as VariableLike),
  );
  changed.forEach((binding, i) => {
    binding.variable.value.set(values[i] ?? []);
    binding.dataId = binding.tensor?.dataId;
  });
}

/**
 * Makes the tensors for our values, which are about to change, and assigns them: all that can fail, while nothing has changed.
 *
 * @returns what copies our values into them.
 */
export function copyOut(tf: TensorFlow, bindings: readonly Binding[]): () => void {
  const live = bindings.filter(({ tensor }) => tensor && !tensor.isDisposed);
  const arrays = assigned(tf, live);
  const backend = tf.getBackend();
  // These keep the array that they are given; tfjs moves it to the device when it is used.
  if (backend === "cpu" || backend === "webgl" || backend === "webgpu") {
    return () => {
      for (const [i, { variable }] of live.entries()) arrays[i]?.set(variable.value);
    };
  }
  const { typedArrayFromHeap } = (backend === "wasm" ? tf.backend() : {}) as WasmBackend;
  if (typedArrayFromHeap) {
    const heap = (tensor: TensorLike) => typedArrayFromHeap.call(tf.backend(), tensor);
    return () => {
      for (const { tensor, variable } of live) if (tensor) heap(tensor).set(variable.value);
    };
  }
  return () => {
    assigned(tf, live);
  };
}

/** Assigns tensors of our values as they are; the arrays that they were made of. */
function assigned(tf: TensorFlow, bindings: readonly Binding[]): Float32Array[] {
  const arrays = bindings.map(({ variable: { value } }) => value.slice());
  tf.tidy(() => {
    const tensors = arrays.map((array, i) => tf.tensor(array, [...(bindings[i]?.shape ?? [])], "float32"));
    bindings.forEach((binding, i) => {
      binding.tensor?.assign(tensors[i] as TensorLike);
      binding.dataId = binding.tensor?.dataId;
    });
  });
  return arrays;
}

/** Number of tensors from which on they are read together: with fewer, the copy costs what the reads do. */
const MINIMUM_TOGETHER = 8;

/**
 * The values of several tensors, to be copied before tfjs computes again: in one read where each makes the processor wait for the
 * device.
 */
export function readAll(tf: TensorFlow, tensors: readonly TensorLike[]): ArrayLike<number>[] {
  const backend = tf.getBackend();
  if (tensors.length < MINIMUM_TOGETHER || (backend !== "webgl" && backend !== "webgpu")) {
    return tensors.map((tensor) => read(tf, tensor));
  }
  const sizes = tensors.map(({ shape }) => sizeOf(shape));
  const run = (name: string, inputs: object, attrs: object) => tf.engine().runKernel(name, inputs, attrs) as TensorLike;
  let all: TensorLike | undefined;
  tf.tidy(() => {
    const flat = tensors.map((x, i) => run("Reshape", { x }, { shape: [sizes[i]] }));
    all = run("Concat", flat, { axis: 0 });
    tf.keep(all);
  });
  try {
    const numbers = all?.dataSync() as Float32Array;
    let from = 0;
    return sizes.map((size) => {
      from += size;
      return numbers.subarray(from - size, from);
    });
  } finally {
    all?.dispose();
  }
}

/** What only tfjs' wasm backend has. */
interface WasmBackend {
  readonly dataIdMap?: { has(dataId: object): boolean };
  typedArrayFromHeap?(tensor: TensorLike): Float32Array;
}

/** A tensor's values, to be copied before tfjs computes again. */
export function read(tf: TensorFlow, tensor: TensorLike): ArrayLike<number> {
  // On wasm `dataSync` is a copy; a view on the backend's memory saves it. A tensor of another backend would be moved
  // there, and that can detach the views before it; threads make the memory a shared one, which is not taken.
  const backend: WasmBackend = tf.getBackend() === "wasm" ? tf.backend() : {};
  const view = backend.dataIdMap?.has(tensor.dataId) ? backend.typedArrayFromHeap?.(tensor) : undefined;
  return view?.buffer instanceof ArrayBuffer ? view : tensor.dataSync();
}
