// What can be saved, and loaded into.

import { notBuilt } from "./errors.js";

/** Throws unless the optimizer has state to save. An adapter's has it elsewhere: the error says where. */
export function assertBuilt(optimizer: { readonly built: boolean; readonly name: string }): void {
  if (optimizer.built) return;
  if ("toCore" in optimizer) {
    throw new TypeError("Argument `optimizer` must be what `await optimizer.toCore(variables)` gives.");
  }
  throw notBuilt(optimizer.name);
}
