// Whether an optimizer computes what `torch.optim.RMSprop` or timm's `RMSpropTF` would.

import type { Hyperparameters } from "../generated/hyperparameters.js";
import { CheckpointError } from "../support/errors.js";
import type { ParameterGroup, ParameterGroups } from "./parameter-groups.js";

/** The options that decide the formula. */
export type Formula = Readonly<
  Pick<
    Hyperparameters,
    | "rho"
    | "momentum"
    | "epsilon"
    | "centered"
    | "epsilonMode"
    | "momentumMode"
    | "weightDecay"
    | "weightDecayMode"
    | "maximize"
  >
>;

/** The options by both names; they must be equal. */
const SAME = [
  ["alpha", "rho"],
  ["centered", "centered"],
  ["eps", "epsilon"],
  ["momentum", "momentum"],
  ["maximize", "maximize"],
] as const;

/** @throws {CheckpointError} if the optimizer would not go on as the one in the file; it says why, and what to do. */
export function assertContinues({ common, groups, isTimm }: ParameterGroups, optimizer: Formula): void {
  const theirs = isTimm ? "timm" : "PyTorch";
  for (const [key, option] of SAME) {
    if (common[key] === optimizer[option]) continue;
    throw new CheckpointError(
      `${theirs}'s ${key} is ${common[key]}, this optimizer's ${option} ${optimizer[option]}: make it with \`${option}: ${common[key]}\`.`,
    );
  }
  const epsilonMode = isTimm ? "inside" : "outside";
  if (common.eps !== 0 && optimizer.epsilonMode !== epsilonMode) {
    const [at, unlike] = isTimm ? ["under the square root", "to"] : ["to the square root", "under"];
    throw new CheckpointError(
      `${theirs} adds eps (${common.eps}) ${at}, this optimizer ${unlike} it: make it with \`epsilonMode: "${epsilonMode}"\`.`,
    );
  }
  const momentumMode = common.lr_in_momentum ? "keras" : "torch";
  if (common.momentum > 0 && optimizer.momentumMode !== momentumMode) {
    const [at, unlike] = common.lr_in_momentum ? ["before", "after"] : ["after", "before"];
    throw new CheckpointError(
      `${theirs} applies the learning rate ${at} the momentum, this optimizer ${unlike} it: make it with \`momentumMode: "${momentumMode}"\`.`,
    );
  }
  assertDecays(theirs, common, groups, optimizer);
}

function assertDecays(
  theirs: string,
  { decoupled_decay: isDecoupled }: ParameterGroup,
  groups: readonly ParameterGroup[],
  { weightDecay, weightDecayMode }: Formula,
): void {
  const decays = groups.map((group) => group.weight_decay);
  const most = Math.max(...decays);
  const mode = isDecoupled ? "decoupled" : "coupled";
  const cure = most === 0 ? "weightDecay: null" : `weightDecay: ${most}, weightDecayMode: "${mode}"`;
  if (!decays.includes(weightDecay ?? 0)) {
    throw new CheckpointError(
      `${theirs}'s weight_decay is ${decays.join(" and ")}, this optimizer's weightDecay ${weightDecay}: make it with \`${cure}\`.`,
    );
  }
  if (most !== 0 && weightDecayMode !== mode) {
    const [to, unlike] = isDecoupled
      ? ["is taken from the values", "is added to the gradients"]
      : ["is added to the gradients", "is taken from the values"];
    throw new CheckpointError(
      `${theirs}'s weight_decay (${most}) ${to}, this optimizer's weightDecay ${unlike}: make it with \`${cure}\`.`,
    );
  }
}
