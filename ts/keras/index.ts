// The entry `rmsprop-wasm/keras`: models saved by Keras 3, and arrays for Python.

export type { Hdf5 } from "../formats/hdf5.js";
export { CheckpointError, StateError } from "../support/errors.js";
export { type Exported, exportNpz, exportSafetensors } from "./export.js";
export {
  type KerasFile,
  type KerasOptimizer,
  type KerasWeight,
  type ReadOptions,
  type Receiver,
  type ReceiverVariable,
  readKeras,
  type Target,
} from "./file.js";
