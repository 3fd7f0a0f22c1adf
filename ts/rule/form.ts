// Which terms of the formula a step has.

import type { Hyperparameters } from "../generated/hyperparameters.js";
import { callsPerUpdate } from "./coefficients.js";

/** Which terms the formula has in a step on one variable. */
export interface Form {
  /** Whether ε is added to the root instead of under it. */
  readonly epsilonOutside: boolean;
  /** Whether η is applied to the momentum buffer instead of being in it. */
  readonly etaOutside: boolean;
  /** Whether decoupled weight decay changes the value. */
  readonly decays: boolean;
  /** Whether coupled weight decay is added to the gradient. */
  readonly penalizes: boolean;
  /** Whether gradients are divided by a loss scale, by the number of calls they were summed over, or negated. */
  readonly divides: boolean;
  readonly clips: "no" | "value" | "norm" | "globalNorm";
  /** Whether the value is overwritten by its average in this step. */
  readonly overwrites: boolean;
}

/** The formula's terms for these hyper-parameters, before it is known what a step does to one variable. */
export function formOf(by: Hyperparameters): Form {
  const on = (threshold: number | null) => threshold !== null && threshold > 0;
  return {
    epsilonOutside: by.epsilonMode === "outside",
    etaOutside: by.momentum > 0 && by.momentumMode === "torch",
    decays: false,
    penalizes: false,
    divides: callsPerUpdate(by) > 1 || by.lossScaleFactor !== null || by.maximize,
    clips: on(by.clipnorm) ? "norm" : on(by.globalClipnorm) ? "globalNorm" : on(by.clipvalue) ? "value" : "no",
    overwrites: false,
  };
}

/** How weight decay enters the formula of a variable. */
export interface Decay {
  readonly terms: Pick<Form, "decays" | "penalizes">;
  /** λ */
  readonly lambda: number;
}

/** The decay of a variable that has this one of its own; `false`: none, `null`: the optimizer's. Coupled, 0 is none too. */
export function decayOf(by: Hyperparameters, own: number | false | null): Decay {
  const given = own ?? by.weightDecay ?? false;
  const lambda = Math.fround(Number(given));
  const isCoupled = by.weightDecayMode === "coupled";
  return { terms: { decays: given !== false && !isCoupled, penalizes: isCoupled && lambda !== 0 }, lambda };
}
