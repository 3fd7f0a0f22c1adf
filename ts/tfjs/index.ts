// The entry `rmsprop-wasm/tfjs`: an optimizer for TensorFlow.js, made from the user's own copy of it.

import type { LearningRate } from "../optimizers/learning-rate.js";
import type { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import type { RMSpropOptions } from "../optimizers/options.js";
import type { RMSprop } from "../optimizers/rmsprop.js";
import type { WeightDecayExclusion } from "../optimizers/weight-decay-exclusion.js";
import { message } from "../support/messages.js";
import type { DynamicScaling, RMSpropTfjsOptions } from "./config.js";
import { optimizerClass } from "./optimizer.js";
import type { SerializableClass, TensorFlow, TensorLike, VariableLike } from "./tensorflow.js";

export type { DynamicScaling, RMSpropTfjsOptions } from "./config.js";
export type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  SerializableClass,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "./tensorflow.js";

/** Which variables `excludeFromWeightDecay` excludes. */
export interface Exclusion<V = VariableLike> {
  /** These variables. */
  readonly variables?: readonly V[] | undefined;
  /** Variables in whose name one of these is found; a string is a regular expression, as in Keras. */
  readonly names?: WeightDecayExclusion["names"];
}

/** What the optimizer has beyond `tf.Optimizer`. */
export interface RMSpropAdditions<Loss = () => TensorLike, V = VariableLike, Core = RMSprop | LossScaleOptimizer> {
  /** Keras' form: one step on the loss over these variables. The loss's value is not returned. */
  minimize(loss: Loss, variables: readonly V[]): null;
  /** The current float32 learning rate. A number cannot take the place of a schedule. */
  get learningRate(): number;
  set learningRate(rate: LearningRate);
  /** What `computeGradients` multiplies the loss by, and `applyGradients` divides the gradients by; 1 unless scaled. */
  readonly lossScale: number;
  /**
   * The optimizer underneath: hyper-parameters that can be changed, slots, counters, in linear memory. A
   * `LossScaleOptimizer` with the option `lossScale`, else an `RMSprop`. Do not step it: steps are taken through the
   * `tf.Optimizer`, which copies tensors in and out.
   */
  readonly core: Core;
  /** Excludes variables from weight decay. Each call replaces the one before. */
  excludeFromWeightDecay(which: Exclusion<V>): void;
  /** Sets the variables to their moving averages, for evaluation. Does nothing without `useEma`. */
  finalizeVariableValues(): void;
}

/**
 * The optimizer that `rmsprop(tf, …)` makes: a `tf.Optimizer` of that `tf`, and more. `TF` is `typeof tf`; `Core` says
 * whether the loss is scaled, if that is known.
 */
export type RMSpropOptimizer<
  TF extends TensorFlow,
  Core extends RMSprop | LossScaleOptimizer = RMSprop | LossScaleOptimizer,
> = InstanceType<TF["Optimizer"]> &
  RMSpropAdditions<
    Parameters<InstanceType<TF["Optimizer"]>["minimize"]>[0],
    TF["Variable"] extends abstract new (...args: never[]) => infer V ? V : never,
    Core
  >;

/** The class of these optimizers for one copy of tfjs: what tfjs' registry keeps. */
export interface RMSpropClass<TF extends TensorFlow> extends SerializableClass {
  new (options?: RMSpropTfjsOptions): RMSpropOptimizer<TF>;
  /** The optimizer with the configuration that `getConfig` gave; tfjs passes the class first. */
  fromConfig(optimizer: unknown, config: object): RMSpropOptimizer<TF>;
}

/**
 * RMSprop for TensorFlow.js, with every option of `RMSprop`: a real `tf.Optimizer`, for `minimize`, `applyGradients` and
 * `model.compile`. State is kept in WebAssembly's memory; values and gradients are copied in and out.
 *
 * @param tf the namespace of `@tensorflow/tfjs` or `@tensorflow/tfjs-core`, version 4.
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options?: RMSpropOptions & { readonly lossScale?: undefined },
): RMSpropOptimizer<TF, RMSprop>;
/**
 * The same with the option `lossScale`: its `core` is a `LossScaleOptimizer`.
 *
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options: RMSpropOptions & DynamicScaling,
): RMSpropOptimizer<TF, LossScaleOptimizer>;
/**
 * The same with options of which it is not known whether `lossScale` is among them.
 *
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(tf: TF, options?: RMSpropTfjsOptions): RMSpropOptimizer<TF>;
export function rmsprop<TF extends TensorFlow>(tf: TF, options: RMSpropTfjsOptions = {}): RMSpropOptimizer<TF> {
  return new (register(tf))(options);
}

/** Our class for each copy of tfjs, by its class `Optimizer`. */
const classes = new WeakMap<TensorFlow["Optimizer"], RMSpropClass<never>>();

/**
 * Makes this optimizer known to `tf`, so that `tf.loadLayersModel` can load models that were saved with it. The first
 * `rmsprop(tf, …)` does it too.
 */
export function register<TF extends TensorFlow>(tf: TF): RMSpropClass<TF> {
  if (typeof tf?.Optimizer !== "function" || typeof tf.serialization?.registerClass !== "function") {
    throw new TypeError(message("tf", "the namespace of @tensorflow/tfjs or @tensorflow/tfjs-core", tf));
  }
  const known = classes.get(tf.Optimizer);
  // It extends this very `tf.Optimizer`; TypeScript sees the structure alone.
  if (known) return known as unknown as RMSpropClass<TF>;
  const made = optimizerClass(tf);
  tf.serialization.registerClass(made);
  classes.set(tf.Optimizer, made as unknown as RMSpropClass<never>);
  return made as unknown as RMSpropClass<TF>;
}
