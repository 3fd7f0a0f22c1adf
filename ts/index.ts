// The default entry: everything.
export { BackendUnavailableError, CheckpointError, OutOfMemoryError, StateError } from "./errors.js";
export type { Slot } from "./generated/codes.js";
export type { Hyperparameters } from "./generated/hyperparameters.js";
export { stringifyConfig } from "./keras-json.js";
export type { Backend } from "./kernel/form.js";
export type { LearningRate } from "./learning-rate.js";
export { type LossScaleConfig, LossScaleOptimizer, type LossScaleOptions } from "./loss-scale.js";
export type { Gradient, LossContext, Store, WeightDecayExclusion } from "./optimizer.js";
export type { OptimizerVariable } from "./optimizer-variable.js";
export type { RMSpropOptions } from "./options.js";
export { RMSprop, type RMSpropConfig } from "./rmsprop.js";
export { backend, createRuntime, type RuntimeOptions } from "./runtime.js";
export * from "./schedules/index.js";
export { type Constraint, nonNeg, Variable, type VariableOptions } from "./variable.js";

/** What RMSprop and LossScaleOptimizer share. (A type: there is nothing to construct.) */
export type Optimizer = import("./optimizer.js").Optimizer;

/** One instance of the machine code with its own memory, made by `createRuntime`. */
export type Runtime = import("./runtime.js").Runtime;
