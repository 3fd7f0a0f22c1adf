// Which slots an optimizer with these hyper-parameters keeps for each variable.
import { KEPT_BY, SLOTS, type Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";

/** In Keras' order. */
export function keptSlots(by: Hyperparameters): readonly Slot[] {
  return SLOTS.filter((_, place) => {
    const kept = KEPT_BY[place];
    return !kept || Number(by[kept.option]) > kept.above;
  });
}
