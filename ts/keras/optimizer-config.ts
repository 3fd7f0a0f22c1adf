// An optimizer as Keras has serialized it, and which state it therefore keeps.

import { KEPT_BY, SLOTS } from "../generated/codes.js";
import { HYPERPARAMETERS } from "../generated/hyperparameters.js";
import type { LossScaleConfig, RMSpropConfig } from "../optimizers/config.js";
import type { Serialized } from "../schedules/serialization.js";
import { isObject } from "./model-file.js";

/** What `keras.optimizers.serialize` gives for the optimizers that this package has. */
export type KerasOptimizer =
  | KerasRMSprop
  | (Serialized<LossScaleConfig> & { readonly class_name: "LossScaleOptimizer" });

/** The same of an optimizer that is no LossScaleOptimizer. */
export type KerasRMSprop = Serialized<RMSpropConfig> & { readonly class_name: "RMSprop" };

/** Keras' name of the class, or what stands for it. */
export const classNameOf = (optimizer: unknown): unknown => (isObject(optimizer) ? optimizer["class_name"] : optimizer);

/** The optimizer, if it is one that this package has. tf.keras 2 has other names for its classes. */
export function knownOptimizer(optimizer: unknown): KerasOptimizer | undefined {
  if (!isObject(optimizer) || !isObject(optimizer["config"])) return undefined;
  const { config } = optimizer;
  const name = String(optimizer["class_name"]).replace(/^Custom>/, "");
  if (name === "RMSprop") return { ...optimizer, class_name: "RMSprop" } as KerasOptimizer;
  if (!/^LossScaleOptimizer(V\d)?$/.test(name)) return undefined;
  const inner = knownOptimizer(config["inner_optimizer"]);
  if (inner?.class_name !== "RMSprop") return undefined;
  const scaled = { ...config, inner_optimizer: inner };
  return { ...optimizer, class_name: "LossScaleOptimizer", config: scaled } as unknown as KerasOptimizer;
}

/** The RMSprop, whether its loss is scaled or not. */
export const innerOf = ({ class_name, config }: KerasOptimizer): KerasRMSprop =>
  (class_name === "LossScaleOptimizer" ? config.inner_optimizer : { class_name, config }) as KerasRMSprop;

/** What Keras makes of an optimizer when a model of mixed precision is compiled with it. */
export const scaledByDefault = (inner: KerasRMSprop): KerasOptimizer => ({
  module: "keras.optimizers",
  class_name: "LossScaleOptimizer",
  config: {
    name: "loss_scale_optimizer",
    inner_optimizer: inner,
    initial_scale: 2 ** 15,
    dynamic_growth_steps: 2000,
  } as unknown as LossScaleConfig,
  registered_name: null,
});

/** The slots that an RMSprop keeps for each variable, in Keras' order. */
export function slotsOf({ config }: KerasRMSprop): string[] {
  const values: Readonly<Record<string, unknown>> = { ...config };
  const keyOf = (option: string) => HYPERPARAMETERS.find((row) => row.option === option)?.key ?? option;
  return SLOTS.filter((_, slot) => {
    const kept = KEPT_BY[slot];
    return !kept || Number(values[keyOf(kept.option)]) > kept.above;
  });
}

/** Whether it is of tf.keras 2, which saves no learning rate beside the state. */
export const isOfKeras2 = ({ config }: KerasRMSprop): boolean =>
  ["jit_compile", "is_legacy_optimizer", "decay", "lr"].some((key) => Object.hasOwn(config, key));

/** The learning rate, if it is a number. */
export function rateOf({ config }: KerasRMSprop): number | undefined {
  const rate: unknown = config.learning_rate ?? (config as { lr?: unknown }).lr;
  return typeof rate === "number" ? rate : undefined;
}
