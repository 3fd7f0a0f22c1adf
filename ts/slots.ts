// Which slots an optimizer with these hyper-parameters keeps for each variable.
import { SLOTS, type Slot } from "./generated/codes.js";
import type { Hyperparameters } from "./generated/hyperparameters.js";

const KEPT: Readonly<Record<Slot, (by: Hyperparameters) => boolean>> = {
  average: (by) => by.useEma,
  gradient_accumulator: (by) => (by.gradientAccumulationSteps ?? 0) >= 2,
  velocity: () => true,
  momentum: (by) => by.momentum > 0,
  average_gradient: (by) => by.centered,
};

/** In Keras' order. */
export function keptSlots(by: Hyperparameters): readonly Slot[] {
  return SLOTS.filter((slot) => KEPT[slot](by));
}
