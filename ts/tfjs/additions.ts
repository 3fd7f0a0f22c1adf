// What both forms of the optimizer have beyond `tf.Optimizer`.

import type { LastStep } from "../optimizers/last-step.js";
import type { LearningRate } from "../optimizers/learning-rate.js";
import type { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import type { Measure } from "../optimizers/measure.js";
import type { VariableOverrides } from "../optimizers/overrides.js";
import type { RMSprop } from "../optimizers/rmsprop.js";
import type { Exclusion, TensorSelection } from "./selection.js";
import type { TensorLike, VariableLike } from "./tensorflow.js";

/** What both forms of the optimizer have beyond `tf.Optimizer`. */
export interface CommonAdditions<Loss = () => TensorLike, V = VariableLike> {
  /**
   * Keras' form: one step on the loss over these variables. The loss's value is not returned.
   *
   * @param loss the function that tfjs differentiates.
   * @param variables those to train.
   */
  minimize(loss: Loss, variables: readonly V[]): null;
  /**
   * The current float32 learning rate. A number cannot replace a schedule. With `resident`, the rate of a schedule beside the option
   * `lossScale` is read from the device.
   */
  get learningRate(): number;
  set learningRate(rate: LearningRate);
  /** Excludes variables from weight decay. Each call replaces the one before. */
  excludeFromWeightDecay(which: Exclusion<V>): void;
  /**
   * Gives some variables another learning rate or weight decay, or freezes them. Later calls win, option by option; `null` takes
   * an option back.
   *
   * @throws {RangeError} if a part of `which` matches no variable, unless `optional`: here after the first step, else in it.
   */
  override(which: TensorSelection<V>, options: VariableOverrides): void;
  /** Sets the variables to their moving averages, for evaluation. Does nothing without `useEma`. */
  finalizeVariableValues(): void;
}

/**
 * What the optimizer has beyond `tf.Optimizer`.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * const x = tf.variable(tf.tensor1d([10]));
 * const tuned = rmsprop(tf, { learningRate: 0.1, useEma: true });
 * tuned.override({ variables: [x] }, { learningRateMultiplier: 0.5 });
 * tuned.excludeFromWeightDecay({ variables: [x] });
 * tuned.minimize(() => tf.sum(tf.square(x)), [x]);
 * [tuned.learningRate, tuned.lossScale, tuned.core.iterations]; // [0.1, 1, 1]
 * tuned.finalizeVariableValues();
 * tuned.fromCore(await tuned.toCore());
 * ```
 */
export interface RMSpropAdditions<Loss = () => TensorLike, V = VariableLike, Core = RMSprop | LossScaleOptimizer>
  extends CommonAdditions<Loss, V> {
  /** What `computeGradients` multiplies the loss by, and `applyGradients` divides the gradients by; 1 unless scaled. */
  readonly lossScale: number;
  /**
   * The optimizer underneath: hyper-parameters that can be changed, slots, counters, in linear memory. A
   * `LossScaleOptimizer` with the option `lossScale`, else an `RMSprop`. Do not step it: steps are taken through the
   * `tf.Optimizer`, which copies tensors in and out.
   */
  readonly core: Core;
  /**
   * `core` with the variables' values as they are now, for `save`, `load` and files. After `load`, call `fromCore`.
   *
   * @param variables variables that the optimizer has not met yet, to begin with.
   * @throws {TypeError} if they are no float32 variables.
   * @throws {StateError} if one of them was disposed of.
   */
  toCore(variables?: readonly V[]): Promise<Core>;
  /**
   * Copies the values of `core` into the variables.
   *
   * @param core this optimizer's.
   * @throws {TypeError} if it is not this optimizer's.
   */
  fromCore(core: Core): void;
}

/**
 * What the form that stays on the device has beyond `tf.Optimizer`.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * const x = tf.variable(tf.tensor1d([10]));
 * const tuned = rmsprop(tf, { learningRate: 0.1, useEma: true, resident: true });
 * tuned.override({ variables: [x] }, { learningRateMultiplier: 0.5 });
 * tuned.excludeFromWeightDecay({ variables: [x] });
 * tuned.measure = { gradientNorm: true };
 * tuned.minimize(() => tf.sum(tf.square(x)), [x]);
 * tuned.lastStep?.outcome; // "updated"
 * [tuned.iterations, tuned.learningRate, tuned.lossScale, tuned.lossScaleTensor.size]; // [1, 0.1, 1, 1]
 * tuned.finalizeVariableValues();
 * tuned.fromCore(await tuned.toCore());
 * ```
 */
export interface ResidentAdditions<Loss = () => TensorLike, V = VariableLike, T = TensorLike>
  extends CommonAdditions<Loss, V> {
  /** Updates so far. With the option `lossScale` the device is read, which not every backend can do at once. */
  readonly iterations: number;
  /** `lossScaleTensor` as a number: with the option `lossScale` the device is read. */
  readonly lossScale: number;
  /** What gradients must be multiplied by that you compute yourself: a scalar that belongs to the optimizer until its next step. */
  readonly lossScaleTensor: T;
  /** What the last step did; `null` before the first. */
  readonly lastStep: ResidentLastStep<T> | null;
  /** Which norms `lastStep` has, though no option needs them, from the next step on. Default: none. In no configuration. */
  get measure(): Measure;
  set measure(measure: Measure);
  /**
   * An optimizer of the package over copies of values and state as they are now, for `save`, `load` and files: read without
   * blocking. Free it, and its `trainableVariables`, when it is not needed any more.
   *
   * @param variables variables that the optimizer has not met yet, to begin with.
   * @throws {TypeError} if they are no float32 variables.
   * @throws {StateError} if one of them was disposed of.
   */
  toCore(variables?: readonly V[]): Promise<RMSprop | LossScaleOptimizer>;
  /**
   * Takes values, state and counters from what `toCore` gave.
   *
   * @param core what `toCore` gave.
   * @throws {TypeError} if it is another kind of optimizer.
   * @throws {CheckpointError} if its options or variables are others; then nothing has changed.
   */
  fromCore(core: RMSprop | LossScaleOptimizer): void;
}

/**
 * What a step on the device did: numbers where the host knows them, else scalars that stay on the device. They belong to the
 * optimizer until its next step or `dispose`: `clone()` what you keep. What the core's `lastStep` also has is not there:
 * `firstNonFinite` would be a search.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * const y = tf.variable(tf.tensor1d([3, 4]));
 * const watched = rmsprop(tf, { globalClipnorm: 1, resident: true });
 * watched.minimize(() => tf.mul(tf.sum(tf.square(y)), 0.5), [y]);
 * const { learningRate, lossScale, finite, gradientNorm, clipFactor, updateNorm } = await watched.lastStep!.read();
 * [lossScale, finite, gradientNorm]; // [1, null, 5]
 * ```
 */
export interface ResidentLastStep<T = TensorLike> {
  /** `"updated"`, or `"accumulated"`; `null` with the option `lossScale`, under which only the device knows: `read` tells. */
  readonly outcome: Exclude<LastStep["outcome"], "skipped"> | null;
  /** The float32 learning rate; of a schedule beside the option `lossScale` a tensor. */
  readonly learningRate: number | T;
  /** What the gradients were divided by; 1 if they were not scaled; with the option `lossScale` a tensor. */
  readonly lossScale: number | T;
  /** Whether all gradients were finite, a truth value with the option `lossScale`; `null` without it: then a step does not look. */
  readonly finite: T | null;
  /**
   * The joint L2 norm of the gradients as clipping saw them, as the core's. `null` if neither clipping by norms nor `measure` needs
   * it, and if gradients were only accumulated.
   */
  readonly gradientNorm: T | null;
  /** What clipping by norms multiplied the gradients by, of several numbers the smallest; 1 without it. */
  readonly clipFactor: number | T;
  /**
   * The L2 norm of the change of the values, NaN if one was not finite; `null` unless `measure` asks for it, and if gradients were only
   * accumulated.
   */
  readonly updateNorm: T | null;
  /**
   * All of it as numbers, read without blocking. Both norms are `null` if the step updated nothing.
   *
   * @throws {StateError} after the next step, or `dispose`.
   */
  read(): Promise<LastStepNumbers>;
}

/** What `ResidentLastStep.read` gives. */
export interface LastStepNumbers
  extends Pick<LastStep, "outcome" | "learningRate" | "lossScale" | "gradientNorm" | "clipFactor" | "updateNorm"> {
  /** Whether all gradients were finite; `null` without the option `lossScale`. */
  readonly finite: boolean | null;
}
