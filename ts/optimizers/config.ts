// Keras' configurations of optimizers: what `getConfig` returns and `fromConfig` takes.

import type { HyperparameterConfig } from "../generated/hyperparameters.js";
import type { Serialized, SerializedInput } from "../schedules/serialization.js";

/**
 * Keras' configuration of an RMSprop: what `get_config` returns there. With options that Keras does not have, set to
 * anything but their defaults, it has their keys too, and Keras refuses it.
 */
export type RMSpropConfig = {
  /** The optimizer's name. */
  readonly name: string;
  /** A number (float32), or a serialized schedule or function. */
  readonly learning_rate: number | Serialized;
} & HyperparameterConfig;

/** A configuration as `RMSprop.fromConfig` takes it: all of it or any part. */
export type RMSpropConfigInput = {
  readonly [Key in keyof Omit<RMSpropConfig, "learning_rate">]?: RMSpropConfig[Key] | undefined;
} & {
  /** A number, or a serialized schedule. Default 0.001. */
  readonly learning_rate?: number | SerializedInput | undefined;
  /** That of a `LossScaleOptimizer` is another configuration. */
  readonly inner_optimizer?: never;
};

/** Keras' configuration of a LossScaleOptimizer. */
export interface LossScaleConfig {
  /** The optimizer's name. */
  readonly name: string;
  /** The optimizer whose loss is scaled. */
  readonly inner_optimizer: Serialized<RMSpropConfig>;
  /** The loss scale to begin with. */
  readonly initial_scale: number;
  /** Finite steps in a row after which the scale doubles. */
  readonly dynamic_growth_steps: number;
}

/** A configuration as `LossScaleOptimizer.fromConfig` takes it: all of it, or at least the inner optimizer. */
export interface LossScaleConfigInput {
  /** The optimizer's name. */
  readonly name?: string | undefined;
  /** The optimizer whose loss is scaled: an RMSprop. */
  readonly inner_optimizer: SerializedInput<RMSpropConfigInput>;
  /** The loss scale to begin with. Default 2 ** 15. */
  readonly initial_scale?: number | undefined;
  /** Finite steps in a row after which the scale doubles. Default 2000. */
  readonly dynamic_growth_steps?: number | undefined;
}

/** Keras' configuration of any optimizer. */
export type OptimizerConfig = RMSpropConfig | LossScaleConfig;
