// The options in PyTorch's `state_dict`: one or more groups of parameters, here of one mind.

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
  /** The parameters' numbers, in their order. */
  readonly params: readonly number[];
}

/**
 * All groups in the file's metadata as one.
 *
 * @throws {CheckpointError} if they are not those of an RMSprop, or their options differ.
 */
export function readGroups(text: string | undefined): ParameterGroup {
  if (text === undefined) {
    throw new CheckpointError("The file's metadata have no param_groups: save it by the lines in docs/pytorch.md.");
  }
  const [first, ...others] = parsed(text).map(checked);
  if (!first) throw new CheckpointError("The file's param_groups are empty.");
  for (const other of others) {
    const different = Object.entries(first).find(([key, value]) => {
      return key !== "params" && other[key as keyof ParameterGroup] !== value;
    });
    if (different) {
      throw new CheckpointError(
        `The file's groups of parameters have different ${different[0]}: save each group as an optimizer of its own.`,
      );
    }
  }
  const params = [first, ...others].flatMap((group) => group.params);
  if (new Set(params).size !== params.length) {
    throw new CheckpointError(`The file's param_groups must list distinct params; received ${params}.`);
  }
  return { ...first, params };
}

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

function checked(group: Record<string, unknown>): ParameterGroup {
  const wrong = (key: string, rule: string) =>
    new CheckpointError(
      `The file's param_groups must be those of a torch.optim.RMSprop: ${key} must be ${rule}; it is ${show(group[key])}.`,
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
  return {
    lr: number("lr"),
    alpha: number("alpha"),
    eps: number("eps"),
    momentum: number("momentum"),
    centered: flag("centered"),
    weight_decay: number("weight_decay"),
    // It came with PyTorch 1.12.
    maximize: flag("maximize", false),
    params: numbers("params"),
  };
}
