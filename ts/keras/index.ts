// The entry `rmsprop-wasm/keras`: models saved by Keras 3, and arrays for Python.
export { CheckpointError, StateError } from "../errors.js";
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
export type { Hdf5 } from "./hdf5.js";
