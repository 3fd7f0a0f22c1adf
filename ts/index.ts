// The default entry: optimizers, schedules, variables and runtimes.

export type { GradientDtype, Outcome, Slot } from "./generated/codes.js";
export type {
  EpsilonMode,
  HyperparameterConfig,
  Hyperparameters,
  MomentumMode,
  WeightDecayMode,
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
export type { Gradient, Listed, LossContext, Optimizer, Store } from "./optimizers/base-optimizer.js";
export type {
  LossScaleConfig,
  LossScaleConfigInput,
  OptimizerConfig,
  RMSpropConfig,
  RMSpropConfigInput,
} from "./optimizers/config.js";
export { stringifyConfig } from "./optimizers/config-json.js";
export type { TunableOptimizer } from "./optimizers/generated/tunable-optimizer.js";
export type { LastStep, NonFinite } from "./optimizers/last-step.js";
export type { LearningRate } from "./optimizers/learning-rate.js";
export {
  LossScaleOptimizer,
  type LossScaleOptions,
} from "./optimizers/loss-scale-optimizer.js";
export type { Measure } from "./optimizers/measure.js";
export type { OptimizerVariable, OptimizerVariableDescription } from "./optimizers/optimizer-variable.js";
export type { OptionalHyperparameters, RMSpropOptions } from "./optimizers/options.js";
export type { ResolvedOverrides, VariableOverrides } from "./optimizers/overrides.js";
export { RMSprop } from "./optimizers/rmsprop.js";
export type { OverrideSelection, WeightDecayExclusion } from "./optimizers/variable-selection.js";
export * from "./schedules/index.js";
export {
  BackendUnavailableError,
  CheckpointError,
  OutOfMemoryError,
  type PackageError,
  StateError,
} from "./support/errors.js";
