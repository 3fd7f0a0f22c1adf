// Which slots an optimizer with these hyper-parameters keeps for each variable.
import { KEPT_BY, SLOTS, type Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";

/** In Keras' order. */
export function keptSlots(by: Hyperparameters): readonly Slot[] {
  return SLOTS.filter((_, i) => {
    const kept = KEPT_BY[i];
    return !kept || Number(by[kept.option]) > kept.above;
  });
}
