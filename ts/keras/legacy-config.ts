// Configurations of tf.keras 2's RMSprop, for which Keras 3 has other options.

import type { LossScaleConfigInput, RMSpropConfigInput } from "../optimizers/config.js";
import { checkedObject } from "../support/checks.js";
import { show } from "../support/messages.js";
import { isObject } from "./model-file.js";

/** A configuration of a LossScaleOptimizer. */
export interface LegacyLossScaleConfig {
  /** The optimizer inside, as Keras has serialized it. */
  readonly inner_optimizer: object;
}

/**
 * Converts the optimizer inside the configuration of a LossScaleOptimizer of tf.keras 2, for `LossScaleOptimizer.fromConfig`.
 *
 * ```ts
 * import { convertLegacyConfig } from "rmsprop-wasm/keras";
 *
 * const inner_optimizer = { class_name: "RMSprop", config: { lr: 0.5 } };
 * LossScaleOptimizer.fromConfig(convertLegacyConfig({ inner_optimizer })).learningRate; // 0.5
 * ```
 *
 * @param config what `optimizer.get_config()` gave.
 * @throws {RangeError} as for the configuration of an RMSprop.
 */
export function convertLegacyConfig(config: LegacyLossScaleConfig): LossScaleConfigInput;
/**
 * Converts the configuration of an RMSprop of tf.keras 2 into one that `RMSprop.fromConfig` takes; Keras 3 refuses it. A
 * configuration of Keras 3 stays as it is.
 *
 * - `lr` becomes `learning_rate`; `jit_compile`, `is_legacy_optimizer` and `decay: 0` are left out.
 * - The optimizers of `tf.keras.optimizers.legacy`, and all before 2.11, add ε to the root unless there is a momentum: then
 *   the result has `epsilon_mode: "outside"`.
 *
 * ```ts
 * import { convertLegacyConfig } from "rmsprop-wasm/keras";
 *
 * RMSprop.fromConfig(convertLegacyConfig({ lr: 0.5, decay: 0 })).learningRate; // 0.5
 * ```
 *
 * @param config what `optimizer.get_config()` gave: `file.optimizer.config`, or `JSON.parse` of it.
 * @throws {TypeError} if it is no object.
 * @throws {RangeError} for `decay` other than 0: it says which schedule does the same.
 */
export function convertLegacyConfig(config: object): RMSpropConfigInput;
export function convertLegacyConfig(config: object): RMSpropConfigInput | LossScaleConfigInput {
  const given = checkedObject("config", config);
  const inner = given["inner_optimizer"];
  if (isObject(inner) && isObject(inner["config"])) {
    return {
      ...given,
      inner_optimizer: { ...inner, config: convertLegacyConfig(inner["config"]) },
    } as LossScaleConfigInput;
  }
  const { lr, decay, jit_compile, is_legacy_optimizer: isLegacy, ...rest } = given;
  const rate = lr ?? rest["learning_rate"];
  if (decay !== undefined && decay !== null && decay !== 0) {
    const schedule = `new InverseTimeDecay({ initialLearningRate: ${rate}, decaySteps: 1, decayRate: ${decay} })`;
    const isSimple = typeof decay === "number" && typeof rate === "number";
    const instead = isSimple ? schedule : "(step) => rate / (1 + decay * step)";
    throw new RangeError(
      `Argument \`config\` must have no decay other than 0; it is ${show(decay)}. Take it out, and give the optimizer \`learningRate: ${instead}\`.`,
    );
  }
  const wasBefore = lr !== undefined || (decay !== undefined && jit_compile === undefined);
  const isOutside = (isLegacy === true || wasBefore) && !(Number(rest["momentum"]) > 0);
  return {
    ...rest,
    ...(rate === undefined ? {} : { learning_rate: rate }),
    ...(isOutside ? { epsilon_mode: "outside" } : {}),
  } as RMSpropConfigInput;
}
