// The entry `rmsprop-wasm/keras`: models saved by Keras, and arrays for Python.

export type {
  StoredArray as Exported,
  StoredState as ReceiverVariable,
  StoredVariable as Target,
} from "../formats/stored-optimizer.js";
export { CheckpointError, StateError } from "../support/errors.js";
export { exportNpz, exportSafetensors } from "./export.js";
export {
  type Hdf5,
  type KerasFile,
  type NamedValues,
  type NamedVariable,
  type ReadOptions,
  type Receiver,
  readKeras,
  type TensorReceiver,
} from "./file.js";
export { convertLegacyConfig, type LegacyLossScaleConfig } from "./legacy-config.js";
export type { KerasOptimizer, KerasRMSprop } from "./optimizer-config.js";
export type { KerasOptimizerEntry, KerasWeight } from "./weights.js";
