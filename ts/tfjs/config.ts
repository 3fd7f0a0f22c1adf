// The optimizer's configuration as tfjs keeps it: in model.json, with keys in camelCase.
import { own, record } from "../errors.js";
import type { LossScaleOptions } from "../loss-scale.js";
import { optionsFromConfig, type RMSpropOptions } from "../options.js";
import type { RMSprop } from "../rmsprop.js";
import { deserialize, type SerializedInput } from "../schedules/serialization.js";

/** Options of `rmsprop(tf, options)`: those of `new RMSprop`, and loss scaling. */
export type RMSpropTfjsOptions = RMSpropOptions & {
  /** Scales the loss dynamically, as `LossScaleOptimizer` with these options does: for backends with 16-bit floats. */
  readonly lossScale?: LossScaleOptions | undefined;
};

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
  const { customObjects, ...options } = record("config", config);
  const rate = own(options, "learningRate");
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
