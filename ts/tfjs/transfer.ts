// Values between tfjs' memory and ours: one copy each way.
import type { TensorFlow, TensorLike } from "./tensorflow.js";

/** A tensor's values, to be copied at once. */
export function read(tf: TensorFlow, tensor: TensorLike): ArrayLike<number> {
  if (tf.getBackend() !== "wasm") return tensor.dataSync();
  // There `dataSync` is a copy; a view on the backend's memory saves it. Threads make that memory shared.
  const backend: { typedArrayFromHeap?(tensor: TensorLike): Float32Array } = tf.backend();
  const view = backend.typedArrayFromHeap?.(tensor);
  return view?.buffer instanceof ArrayBuffer ? view : tensor.dataSync();
}

/** A tensor with these values of our memory. All backends but wasm may keep the array that they are given. */
export function write(tf: TensorFlow, values: Float32Array, shape: readonly number[]): TensorLike {
  return tf.tensor(tf.getBackend() === "wasm" ? values : values.slice(), [...shape], "float32");
}
