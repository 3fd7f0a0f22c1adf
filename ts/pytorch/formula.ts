// How the formula of `torch.optim.RMSprop` differs from ours.

import type { Hyperparameters } from "../generated/hyperparameters.js";
import { CheckpointError } from "../support/errors.js";
import type { ParameterGroup } from "./parameter-groups.js";

/** The options that decide the formula. */
export type Formula = Readonly<
  Pick<Hyperparameters, "rho" | "momentum" | "epsilon" | "centered" | "epsilonMode" | "momentumMode">
>;

/** The options by both names; they must be equal. */
const SAME = [
  ["alpha", "rho"],
  ["centered", "centered"],
  ["eps", "epsilon"],
  ["momentum", "momentum"],
] as const;

/** @throws {CheckpointError} if the optimizer would not go on as PyTorch's; it says why, and what to do. */
export function assertContinues(group: ParameterGroup, optimizer: Formula): void {
  for (const [theirs, ours] of SAME) {
    if (group[theirs] === optimizer[ours]) continue;
    throw new CheckpointError(
      `PyTorch's ${theirs} is ${group[theirs]}, this optimizer's ${ours} ${optimizer[ours]}: make it with \`${ours}: ${group[theirs]}\`.`,
    );
  }
  if (group.eps !== 0 && optimizer.epsilonMode !== "outside") {
    throw new CheckpointError(
      `PyTorch adds eps (${group.eps}) to the square root, this optimizer under it: make it with \`epsilonMode: "outside"\`.`,
    );
  }
  if (group.momentum > 0 && optimizer.momentumMode !== "torch") {
    throw new CheckpointError(
      'PyTorch applies the learning rate after the momentum, this optimizer before it: make it with `momentumMode: "torch"`.',
    );
  }
  if (group.weight_decay !== 0) {
    throw new CheckpointError(
      `PyTorch adds weight_decay (${group.weight_decay}) times the values to the gradients; weightDecay takes it from the values. Add it to the gradients yourself, and save with weight_decay = 0.`,
    );
  }
  if (group.maximize) {
    throw new CheckpointError(
      "PyTorch's maximize goes up the gradients: negate them yourself, and save with maximize = False.",
    );
  }
}
