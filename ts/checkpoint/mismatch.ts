// Messages for state that only the optimizer has, or only the file.

import { KEPT_BY, SLOTS } from "../generated/codes.js";
import { show } from "../support/messages.js";

/** What to look for when names do not match. */
const HINT = "; check the variables' paths and the optimizer's options.";

/** For a counter or a rate; `isWanted` if the optimizer has it. */
export function scalarMismatch(name: string, isWanted: boolean): string {
  if (name === "learning_rate") {
    return isWanted
      ? "The checkpoint was saved with a schedule or a function as learning rate, this optimizer's is a number: give it such a one, then load."
      : "The checkpoint was saved with a number as learning rate, this optimizer's is a schedule or a function: make it with a number, load, then set `learningRate`.";
  }
  if (name === "dynamic_scale" || name === "step_counter") {
    return isWanted
      ? "The checkpoint is not of a LossScaleOptimizer: load it into the `innerOptimizer`."
      : "The checkpoint is of a LossScaleOptimizer: load it into one.";
  }
  return isWanted
    ? `The checkpoint has no ${show(name)}${HINT}`
    : `The checkpoint's ${show(name)} is not known to the optimizer${HINT}`;
}

/** For an array; `others` are the arrays of the other side. If that has the variable, an option decides. */
export function arrayMismatch(name: string, others: ReadonlyMap<string, unknown>, isWanted: boolean): string {
  const cut = name.lastIndexOf("/");
  const [path, slot] = [name.slice(0, cut), name.slice(cut + 1)];
  const option = KEPT_BY[(SLOTS as readonly string[]).indexOf(slot)]?.option;
  if (option === undefined || !others.has(`${path}/velocity`)) {
    return isWanted
      ? `The checkpoint has no tensor ${show(name)}${HINT}`
      : `The checkpoint's tensor ${show(name)} is not known to the optimizer${HINT}`;
  }
  return isWanted
    ? `The checkpoint has no state (${slot}) of ${show(path)}: it was saved with \`${option}\` off. Make the optimizer without it.`
    : `The checkpoint has state (${slot}) of ${show(path)}, which this optimizer does not keep: make it with \`${option}\`.`;
}
