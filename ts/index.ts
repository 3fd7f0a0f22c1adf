// The default entry: optimizers, schedules, variables and runtimes.
export { BackendUnavailableError, CheckpointError, OutOfMemoryError, type PackageError, StateError } from "./errors.js";
export type { GradientDtype, Slot } from "./generated/codes.js";
export type {
  ClipOption,
  EmaOption,
  EpsilonMode,
  HyperparameterConfig,
  Hyperparameters,
  MomentumMode,
} from "./generated/hyperparameters.js";
export type { TunableOptimizer } from "./generated/tunable-optimizer.js";
export { stringifyConfig } from "./keras-json.js";
export type { Backend } from "./kernel/form.js";
export type { LearningRate } from "./learning-rate.js";
export {
  type LossScaleConfig,
  type LossScaleConfigInput,
  LossScaleOptimizer,
  type LossScaleOptions,
} from "./loss-scale.js";
export type { Numbers } from "./numbers.js";
export type { Gradient, LossContext, Optimizer, Store, WeightDecayExclusion } from "./optimizer.js";
export type { OptimizerVariable, OptimizerVariableDescription } from "./optimizer-variable.js";
export type {
  ClipOptions,
  EmaOptions,
  HyperparameterOptions,
  RMSpropOptions,
  RMSpropOptionsWithout,
} from "./options.js";
export { RMSprop, type RMSpropConfig, type RMSpropConfigInput } from "./rmsprop.js";
export { backend, createRuntime, type Runtime, type RuntimeOptions } from "./runtime.js";
export * from "./schedules/index.js";
export {
  type AnyVariable,
  type Constraint,
  type GradientArrays,
  nonNeg,
  Variable,
  type VariableOptions,
} from "./variable.js";
