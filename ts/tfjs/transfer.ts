// Values between tfjs' memory and ours: one copy each way.
import type { Variable } from "../memory/variable.js";
import type { TensorFlow, TensorLike, VariableLike } from "./tensorflow.js";

/** A variable in our memory, and the one of tfjs that it stands for. */
export interface Twin {
  readonly name: string;
  readonly shape: readonly number[];
  readonly variable: Variable;
  /** Not known yet for state that was loaded and waits for its variable. */
  tensor: VariableLike | undefined;
  /** The storage of `tensor` whose values ours has. */
  dataId: object | undefined;
}

/** Copies the values in, unless ours are the same. */
export function take(tf: TensorFlow, twin: Twin): void {
  const { tensor, variable } = twin;
  if (!tensor || tensor.dataId === twin.dataId) return;
  variable.value.set(read(tf, tensor));
  twin.dataId = tensor.dataId;
}

/** Copies our values out. */
export function give(tf: TensorFlow, twins: readonly Twin[]): void {
  const live = twins.filter(({ tensor }) => tensor && !tensor.isDisposed);
  // If tfjs has no room for the tensors, ours are not the same values any more.
  for (const twin of live) twin.dataId = undefined;
  // All backends but wasm may keep the array that they are given.
  const isCopying = tf.getBackend() === "wasm";
  tf.tidy(() => {
    const values = live.map(({ variable: { value }, shape }) =>
      tf.tensor(isCopying ? value : value.slice(), [...shape], "float32"),
    );
    live.forEach((twin, i) => {
      twin.tensor?.assign(values[i] as TensorLike);
      twin.dataId = twin.tensor?.dataId;
    });
  });
}

/** What tfjs' wasm backend has beside what all have. */
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
