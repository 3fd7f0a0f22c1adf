// The default entry: optimizers, schedules, variables and runtimes.

export type { GradientDtype, Slot } from "./generated/codes.js";
export type {
  ClipOption,
  EmaOption,
  EpsilonMode,
  HyperparameterConfig,
  Hyperparameters,
  MomentumMode,
} from "./generated/hyperparameters.js";
export type { Backend } from "./kernel/backend.js";
export type { Numbers } from "./memory/numbers.js";
export { backend, createRuntime, type Runtime, type RuntimeOptions } from "./memory/runtime.js";
export {
  type AnyVariable,
  type Constraint,
  type GradientArrays,
  nonNeg,
  Variable,
  type VariableOptions,
} from "./memory/variable.js";
export type { Gradient, LossContext, Optimizer, Store, WeightDecayExclusion } from "./optimizers/base-optimizer.js";
export { stringifyConfig } from "./optimizers/config-json.js";
export type { TunableOptimizer } from "./optimizers/generated/tunable-optimizer.js";
export type { LearningRate } from "./optimizers/learning-rate.js";
export {
  type LossScaleConfig,
  type LossScaleConfigInput,
  LossScaleOptimizer,
  type LossScaleOptions,
} from "./optimizers/loss-scale-optimizer.js";
export type { OptimizerVariable, OptimizerVariableDescription } from "./optimizers/optimizer-variable.js";
export type {
  ClipOptions,
  EmaOptions,
  HyperparameterOptions,
  RMSpropOptions,
  RMSpropOptionsWithout,
} from "./optimizers/options.js";
export { RMSprop, type RMSpropConfig, type RMSpropConfigInput } from "./optimizers/rmsprop.js";
export * from "./schedules/index.js";
export {
  BackendUnavailableError,
  CheckpointError,
  OutOfMemoryError,
  type PackageError,
  StateError,
} from "./support/errors.js";
