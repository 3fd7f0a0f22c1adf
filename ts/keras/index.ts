// The entry `rmsprop-wasm/keras`: models saved by Keras 3, and arrays for Python.

export type { Hdf5 } from "../formats/hdf5.js";
export type {
  StoredArray as Exported,
  StoredState as ReceiverVariable,
  StoredVariable as Target,
} from "../formats/stored-optimizer.js";
export { CheckpointError, StateError } from "../support/errors.js";
export { exportNpz, exportSafetensors } from "./export.js";
export {
  type KerasFile,
  type KerasOptimizer,
  type KerasWeight,
  type ReadOptions,
  type Receiver,
  readKeras,
} from "./file.js";
