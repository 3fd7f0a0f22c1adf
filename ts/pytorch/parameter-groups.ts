// The options in the `state_dict` of PyTorch or timm: one or more groups of parameters, which may differ in rate and decay.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";

/** A group, as far as it is used. */
export interface ParameterGroup {
  readonly lr: number;
  readonly alpha: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
  readonly weight_decay: number;
  readonly maximize: boolean;
  /** timm: whether the learning rate is in the momentum buffer. */
  readonly lr_in_momentum: boolean;
  /** timm: whether weight decay changes the values. */
  readonly decoupled_decay: boolean;
  /** The parameters' numbers, in their order. */
  readonly params: readonly number[];
}

/** All groups. */
export interface ParameterGroups {
  /** The first one, which has the options that all have. */
  readonly common: ParameterGroup;
  readonly groups: readonly ParameterGroup[];
  /** Whether the optimizer was timm's `RMSpropTF`. */
  readonly isTimm: boolean;
}

/** Keys in which groups may differ. */
const OWN: readonly string[] = ["params", "lr", "weight_decay"];

/**
 * The groups in the file's metadata.
 *
 * @throws {CheckpointError} if they are not those of an RMSprop, or differ in more than rate and decay.
 */
export function readGroups(text: string | undefined): ParameterGroups {
  if (text === undefined) {
    throw new CheckpointError("The file's metadata have no param_groups: save it by the lines in docs/pytorch.md.");
  }
  const records = parsed(text);
  const isTimm = records.some((group) => "lr_in_momentum" in group);
  const groups = records.map((group) => checked(group, isTimm));
  const [common, ...others] = groups;
  if (!common) throw new CheckpointError("The file's param_groups are empty.");
  for (const other of others) {
    const different = Object.entries(common).find(([key, value]) => {
      return !OWN.includes(key) && other[key as keyof ParameterGroup] !== value;
    });
    if (different) {
      throw new CheckpointError(
        `The file's groups of parameters have different ${different[0]}: save each group as an optimizer of its own.`,
      );
    }
  }
  const params = groups.flatMap((group) => group.params);
  if (new Set(params).size !== params.length) {
    throw new CheckpointError(`The file's param_groups must list distinct params; received ${params}.`);
  }
  return { common, groups, isTimm };
}

/** The rate that the groups' multipliers multiply: the first that is not 0. */
export const commonRate = (groups: readonly ParameterGroup[]): number => groups.find(({ lr }) => lr !== 0)?.lr ?? 0;

function parsed(text: string): Record<string, unknown>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`The file's param_groups are not JSON: ${cause}`, { cause });
  }
  if (Array.isArray(value) && value.every((group) => typeof group === "object" && group !== null)) return value;
  throw new CheckpointError(`The file's param_groups must be a list of groups; received ${show(value)}.`);
}

function checked(group: Record<string, unknown>, isTimm: boolean): ParameterGroup {
  const name = isTimm ? "timm's RMSpropTF" : "a torch.optim.RMSprop";
  const wrong = (key: string, rule: string) =>
    new CheckpointError(
      `The file's param_groups must be those of ${name}: ${key} must be ${rule}; it is ${show(group[key])}.`,
    );
  const number = (key: string): number => {
    const value = group[key];
    if (typeof value !== "number") throw wrong(key, "a number");
    return value;
  };
  const flag = (key: string, otherwise?: boolean): boolean => {
    const value = group[key] ?? otherwise;
    if (typeof value !== "boolean") throw wrong(key, "true or false");
    return value;
  };
  const numbers = (key: string): number[] => {
    const value = group[key];
    if (!Array.isArray(value) || !value.every((id) => Number.isSafeInteger(id))) throw wrong(key, "whole numbers");
    return value;
  };
  for (const key of ["caution", "corrected_weight_decay"]) {
    if (flag(key, false)) throw new CheckpointError(`timm's ${key} is not there here: save with ${key} = False.`);
  }
  return {
    lr: number("lr"),
    alpha: number("alpha"),
    eps: number("eps"),
    momentum: number("momentum"),
    centered: flag("centered"),
    weight_decay: number("weight_decay"),
    // It came with PyTorch 1.12, and timm does not have it.
    maximize: flag("maximize", false),
    lr_in_momentum: flag("lr_in_momentum", false),
    decoupled_decay: flag("decoupled_decay", false),
    params: numbers("params"),
  };
}
