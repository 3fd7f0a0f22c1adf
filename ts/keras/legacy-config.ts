// Configurations of tf.keras 2's RMSprop, for which Keras 3 has other options.

import type { RMSpropConfigInput } from "../optimizers/config.js";
import { checkedObject } from "../support/checks.js";

/**
 * Converts the configuration of an RMSprop of tf.keras 2 into one that `RMSprop.fromConfig` takes; Keras 3 refuses it. A
 * configuration of Keras 3 stays as it is.
 *
 * - `lr` becomes `learning_rate`; `jit_compile`, `is_legacy_optimizer` and `decay: 0` are left out.
 * - The optimizers of `tf.keras.optimizers.legacy`, and all before 2.11, add ε to the root unless there is a momentum: then
 *   the result has `epsilon_mode: "outside"`.
 *
 * @param config what `optimizer.get_config()` gave: `file.optimizer.config`, or `JSON.parse` of it.
 * @throws {TypeError} if it is no object.
 * @throws {RangeError} for `decay` other than 0: it says which schedule does the same.
 */
export function convertLegacyConfig(config: object): RMSpropConfigInput {
  const given = checkedObject("config", config);
  const { lr, decay, jit_compile, is_legacy_optimizer: isLegacy, ...rest } = given;
  const rate = lr ?? rest["learning_rate"];
  if (typeof decay === "number" && decay !== 0) {
    const options = `{ initialLearningRate: ${rate}, decaySteps: 1, decayRate: ${decay} }`;
    throw new RangeError(
      `Argument \`config\` must have no decay other than 0; it is ${decay}. Take it out, and give the optimizer \`learningRate: new InverseTimeDecay(${options})\`.`,
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
