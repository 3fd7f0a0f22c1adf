// Which slots an optimizer with these hyper-parameters keeps for each variable, and what they begin with.
import { BEGINS_AT, KEPT_BY, SLOTS, type Slot } from "../generated/codes.js";
import type { Hyperparameters } from "../generated/hyperparameters.js";

/** In Keras' order. */
export function keptSlots(by: Hyperparameters): readonly Slot[] {
  return SLOTS.filter((_, i) => {
    const kept = KEPT_BY[i];
    return !kept || Number(by[kept.option]) > kept.above;
  });
}

/** What all elements of a slot begin with. */
export function firstNumber(by: Hyperparameters, slot: Slot): number {
  const option = BEGINS_AT[SLOTS.indexOf(slot)];
  return option ? Number(by[option]) : 0;
}
