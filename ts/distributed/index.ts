// The entry `rmsprop-wasm/distributed`: one training on many machines, as the fold of a log.

export { CheckpointError, StateError } from "../support/errors.js";
export type { ReplicatedOptimizer } from "./configuration.js";
export {
  ConfigurationError,
  LogChangedError,
  LogFullError,
  NoCheckpointError,
  NoRunError,
  ServerSilentError,
  StalledError,
  StateDiffersError,
} from "./errors.js";
export type { FoldedOptimizer, ReplicatedLossScale, ReplicatedRMSprop, ReplicatedVariable } from "./fold.js";
export type { Signal } from "./host.js";
export type { GradientArray } from "./layout.js";
export type { CreateOptions, Log, Messages, Stored, Subject } from "./log.js";
export { type MemoryLog, type MemoryLogOptions, type MemoryMessage, memoryLog } from "./memory-log.js";
export type { ReplicaEvent } from "./replica.js";
export { type ReplicateOptions, replicate } from "./replicate.js";
export { type WorkOptions, work } from "./work.js";
export type { Compute, Unit } from "./worker.js";
