// The one place that knows how the formula of `torch.optim.RMSprop` differs from that of an optimizer of ours.

import { CheckpointError } from "../errors.js";
import type { ParameterGroup } from "./parameter-groups.js";

/** The options that decide the formula; an optimizer that does not say the modes computes as Keras does. */
export interface Formula {
  /** How slowly the averages move. */
  readonly rho: number;
  /** The momentum; 0 for none. */
  readonly momentum: number;
  /** What keeps the denominator from 0. */
  readonly epsilon: number;
  /** Whether the mean of the gradients is taken off. */
  readonly centered: boolean;
  /** Where ε is added: to the root's argument, as in Keras, or to the root. */
  readonly epsilonMode?: "inside" | "outside";
  /** Whether the learning rate is in the momentum, as in Keras, or is applied after it. */
  readonly momentumMode?: "keras" | "torch";
}

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
  const { epsilonMode = "inside", momentumMode = "keras" } = optimizer;
  if (group.eps !== 0 && epsilonMode !== "outside") {
    throw new CheckpointError(
      `PyTorch adds eps (${group.eps}) to the square root, this optimizer under it: make it with \`epsilonMode: "outside"\`.`,
    );
  }
  if (group.momentum > 0 && momentumMode !== "torch") {
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
