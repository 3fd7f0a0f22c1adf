// The entry `rmsprop-wasm/tfjs`: an optimizer for TensorFlow.js, made from the user's own copy of it.

import type { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import type { RMSpropOptions } from "../optimizers/options.js";
import type { RMSprop } from "../optimizers/rmsprop.js";
import { option } from "../support/checks.js";
import { message } from "../support/messages.js";
import type { ResidentAdditions, RMSpropAdditions } from "./additions.js";
import type { DynamicScaling, Residence, RMSpropTfjsOptions } from "./config.js";
import { optimizerClass } from "./optimizer.js";
import { residentClass } from "./resident/optimizer.js";
import type { SerializableClass, TensorFlow } from "./tensorflow.js";

export type {
  CommonAdditions,
  LastStepNumbers,
  ResidentAdditions,
  ResidentLastStep,
  RMSpropAdditions,
} from "./additions.js";
export type { DynamicScaling, Residence, RMSpropTfjsOptions } from "./config.js";
export type { Exclusion, TensorSelection } from "./selection.js";
export type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  SerializableClass,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "./tensorflow.js";

/** The optimizer that `rmsprop(tf, { resident: true })` makes: a `tf.Optimizer` of that `tf`, and more. */
export type ResidentOptimizer<TF extends TensorFlow> = InstanceType<TF["Optimizer"]> &
  ResidentAdditions<
    Parameters<InstanceType<TF["Optimizer"]>["minimize"]>[0],
    TF["Variable"] extends abstract new (...args: never[]) => infer V ? V : never,
    ReturnType<TF["tensor"]>
  >;

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
  /** An optimizer with these options. */
  new (options?: RMSpropTfjsOptions): RMSpropOptimizer<TF>;
  /** The optimizer with the configuration that `getConfig` gave; tfjs passes the class first. */
  fromConfig(optimizer: unknown, config: object): RMSpropOptimizer<TF>;
}

/**
 * RMSprop for TensorFlow.js, with every option of `RMSprop`: a real `tf.Optimizer`, for `minimize`, `applyGradients` and
 * `model.compile`. State is kept in WebAssembly's memory; values and gradients are copied in and out.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * const x = tf.variable(tf.tensor1d([10]));
 * rmsprop(tf, { learningRate: 0.1 }).minimize(() => tf.sum(tf.square(x)), [x]);
 * ```
 *
 * @param tf the namespace of `@tensorflow/tfjs` or `@tensorflow/tfjs-core`, version 4.
 * @param options those of `new RMSprop`.
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options?: RMSpropOptions & { readonly lossScale?: undefined } & Plain,
): RMSpropOptimizer<TF, RMSprop>;
/**
 * The same with the option `lossScale`: its `core` is a `LossScaleOptimizer`.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * const scaled = rmsprop(tf, { lossScale: { initialScale: 1024 }, lossScaleFactor: null });
 * scaled.core.dynamicScale; // 1024
 * ```
 *
 * @param tf the namespace of TensorFlow.js.
 * @param options those of `new RMSprop`, and `lossScale`.
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options: RMSpropOptions & DynamicScaling & Plain,
): RMSpropOptimizer<TF, LossScaleOptimizer>;
/**
 * The form that stays on the device: values, gradients and state are tensors, and a step reads nothing back.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsprop } from "rmsprop-wasm/tfjs";
 *
 * rmsprop(tf, { learningRate: 0.1, resident: true }).iterations; // 0
 * ```
 *
 * @param tf the namespace of TensorFlow.js.
 * @param options those of `new RMSprop`, and `resident`.
 * @throws {TypeError | RangeError} for options that are not as documented, or a function as learning rate beside `lossScale`.
 */
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options: RMSpropTfjsOptions & { readonly resident: true | "composed" },
): ResidentOptimizer<TF>;
/**
 * The same with options of which it is not known whether `lossScale` is among them.
 *
 * @param tf the namespace of TensorFlow.js.
 * @param options those of `new RMSprop`, and `lossScale`.
 * @throws {TypeError | RangeError} for options that are not as documented.
 */
export function rmsprop<TF extends TensorFlow>(tf: TF, options?: RMSpropTfjsOptions & Plain): RMSpropOptimizer<TF>;
export function rmsprop<TF extends TensorFlow>(
  tf: TF,
  options: RMSpropTfjsOptions & Residence = {},
): RMSpropOptimizer<TF> | ResidentOptimizer<TF> {
  const { Plain, Resident } = classesOf(tf);
  const isResident = typeof options === "object" && options !== null && option({ ...options }, "resident");
  return isResident ? new Resident(options) : new Plain(options);
}

/** The form that is not resident. */
interface Plain {
  readonly resident?: false | undefined;
}

/** The classes of both forms for one copy of tfjs. */
interface Classes<TF extends TensorFlow> {
  readonly Plain: RMSpropClass<TF>;
  readonly Resident: new (options: RMSpropTfjsOptions & Residence) => ResidentOptimizer<TF>;
}

/** Our classes for each copy of tfjs, by its class `Optimizer`. */
const classes = new WeakMap<TensorFlow["Optimizer"], Classes<never>>();

/**
 * Makes this optimizer, in both of its forms, known to `tf`, so that `tf.loadLayersModel` can load models that were saved with it.
 * The first `rmsprop(tf, …)` does it too.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { register } from "rmsprop-wasm/tfjs";
 *
 * register(tf).className; // "RMSpropWasm"
 * ```
 *
 * @param tf the namespace of TensorFlow.js.
 * @throws {TypeError} if `tf` is not TensorFlow.js.
 */
export function register<TF extends TensorFlow>(tf: TF): RMSpropClass<TF> {
  return classesOf(tf).Plain;
}

function classesOf<TF extends TensorFlow>(tf: TF): Classes<TF> {
  if (typeof tf?.Optimizer !== "function" || typeof tf.serialization?.registerClass !== "function") {
    throw new TypeError(message("tf", "the namespace of @tensorflow/tfjs or @tensorflow/tfjs-core", tf));
  }
  const known = classes.get(tf.Optimizer);
  // They extend this very `tf.Optimizer`; TypeScript sees the structure alone.
  if (known) return known as unknown as Classes<TF>;
  const [Plain, Resident] = [optimizerClass(tf), residentClass(tf)];
  tf.serialization.registerClass(Plain);
  tf.serialization.registerClass(Resident);
  const made = { Plain, Resident } as unknown;
  classes.set(tf.Optimizer, made as Classes<never>);
  return made as Classes<TF>;
}
