// The optimizer's configuration as tfjs keeps it: in model.json, with keys in camelCase.

import type { LossScaleOptions } from "../optimizers/loss-scale-optimizer.js";
import { adapterOptions, OPTIONS, optionsFromConfig, type RMSpropOptions } from "../optimizers/options.js";
import type { RMSprop } from "../optimizers/rmsprop.js";
import { deserialize, type SerializedInput } from "../schedules/serialization.js";
import { checkedObject, option } from "../support/checks.js";
import { message } from "../support/messages.js";

/** Options of `rmsprop(tf, options)`: those of `new RMSprop`, and loss scaling. */
export type RMSpropTfjsOptions = RMSpropOptions & (DynamicScaling | { readonly lossScale?: undefined });

/** The option for values and state that stay on the device. */
export interface Residence {
  /**
   * Keeps values, gradients and state on the device, and reads nothing back in a step: for webgl and webgpu. With `true`, a step is
   * a kernel where there is one for the backend; with `"composed"`, tfjs' own operations, each of which rounds. Default false.
   */
  readonly resident?: boolean | "composed" | undefined;
}

/** The option for a loss scale that finds itself, instead of the static `lossScaleFactor`. */
export interface DynamicScaling {
  /** Scales the loss dynamically, as `LossScaleOptimizer` with these options does: for backends with 16-bit floats. */
  readonly lossScale: LossScaleOptions;
  /** The static scale is not possible beside it. */
  readonly lossScaleFactor?: null | undefined;
}

/** Options by whom they are for. */
export interface SplitOptions {
  /** For `new RMSprop`. */
  readonly others: RMSpropOptions;
  /** For `new LossScaleOptimizer`. */
  readonly lossScale: LossScaleOptions | undefined;
  readonly resident: boolean | "composed";
}

/**
 * The options of an optimizer for tfjs.
 *
 * @throws {TypeError} if there are others.
 * @throws {RangeError} if there are two scales, of which the static one would be lost.
 */
export function splitOptions(options: RMSpropTfjsOptions & Residence): SplitOptions {
  const given = adapterOptions(options, ["lossScale", "resident"]);
  const [lossScale, factor] = [option(given, "lossScale"), option(given, "lossScaleFactor") ?? null];
  if (lossScale !== undefined && factor !== null) {
    throw new RangeError(message("lossScaleFactor", "null beside lossScale, which finds the scale itself", factor));
  }
  const resident = option(given, "resident") ?? false;
  if (typeof resident !== "boolean" && resident !== "composed") {
    throw new TypeError(message("resident", 'true, false or "composed"', resident));
  }
  const others = Object.fromEntries(OPTIONS.map((name) => [name, option(given, name)]));
  return { others: others as RMSpropOptions, lossScale: lossScale as LossScaleOptions | undefined, resident };
}

/** The configuration: the options, with a schedule in Keras' serialized form. */
export function configOf(rmsprop: RMSprop, lossScale: LossScaleOptions | undefined): Record<string, unknown> {
  const options = optionsFromConfig(rmsprop.getConfig());
  return lossScale === undefined ? options : { ...options, lossScale };
}

/**
 * The options in a configuration.
 *
 * @throws {TypeError | RangeError} if its learning rate was a function, or a schedule that is not one of Keras'.
 */
export function optionsOf(config: unknown): RMSpropTfjsOptions {
  // tfjs adds its table of custom objects to what it read.
  const { customObjects, ...options } = checkedObject("config", config);
  const rate = option(options, "learningRate");
  if (typeof rate === "object" && rate !== null)
    options["learningRate"] = deserialize(withSnakeCase(rate) as SerializedInput);
  return options as RMSpropTfjsOptions;
}

/** tfjs turns all keys of what it reads into camelCase; Keras' schedules have them in snake_case. */
function withSnakeCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [snake(key), withSnakeCase(item)]));
}
