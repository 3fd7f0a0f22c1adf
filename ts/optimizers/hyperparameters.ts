// The values of an optimizer's hyper-parameters: checked by the generated table, and as numbers at the boundary.

import { type Descriptor, HYPERPARAMETERS, type Hyperparameters } from "../generated/hyperparameters.js";
import { finite, integer, option, word } from "../support/checks.js";
import { StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { keptSlots } from "./slots.js";

/** The hyper-parameters among `options`, with Keras' defaults for the others. */
export function readHyperparameters(options: Record<string, unknown>): Hyperparameters {
  const values: Record<string, unknown> = {};
  for (const row of HYPERPARAMETERS) {
    const value = option(options, row.option);
    values[row.option] = value === undefined ? row.default : checkedType(row, value);
  }
  const hyperparameters = values as Hyperparameters;
  checkLimits(hyperparameters);
  return hyperparameters;
}

/** A copy of `current` with one hyper-parameter changed, or an error. */
export function withHyperparameter(current: Hyperparameters, row: Descriptor, value: unknown): Hyperparameters {
  const changed = { ...current, [row.option]: checkedType(row, value) };
  checkLimits(changed);
  return changed;
}

/** A hyper-parameter as its number at the boundary: `NaN` for "off", the index of a word among its choices. */
export function boundaryNumber({ option, choices }: Descriptor, hyperparameters: Hyperparameters): number {
  const value = hyperparameters[option];
  if (typeof value === "string") return choices.indexOf(value);
  return value === null ? Number.NaN : Number(value);
}

/**
 * `build` allocates the state. What needs more of it afterwards is an error (an IndexError in Keras), and so is what would
 * change the meaning of a momentum buffer.
 */
export function assertStateFits(built: Hyperparameters, changed: Hyperparameters, option: keyof Hyperparameters): void {
  const kept = keptSlots(built);
  const missing = keptSlots(changed).find((slot) => !kept.includes(slot));
  if (missing !== undefined) {
    throw new StateError(
      `\`${option}\` cannot become ${show(changed[option])} after build: there is no ${missing} slot. Give \`${option}\` to the constructor.`,
    );
  }
  const { momentumMode } = changed;
  if (kept.includes("momentum") && momentumMode !== built.momentumMode) {
    const held =
      built.momentumMode === "keras" ? "has the learning rate in it" : "does not have the learning rate in it";
    throw new StateError(
      `\`momentumMode\` cannot become "${momentumMode}" after build: the momentum slot ${held}. Give \`momentumMode\` to the constructor.`,
    );
  }
}

function checkedType({ option, kind, choices }: Descriptor, value: unknown): unknown {
  if (kind === "choice") return word(option, choices, value);
  if (kind === "boolean") {
    if (typeof value !== "boolean") throw new TypeError(message(option, "true or false", value));
    return value;
  }
  if (kind === "number") return finite(option, value);
  if (value === null) return null;
  if (typeof value !== "number") throw new TypeError(message(option, "a finite number or null", value));
  return finite(option, value);
}

function checkLimits(hyperparameters: Hyperparameters): void {
  for (const row of HYPERPARAMETERS) {
    const { minimum, maximum, onlyWith, zeroIsOff } = row.limits;
    const value = hyperparameters[row.option];
    if (typeof value !== "number") continue;
    if (onlyWith !== null && !hyperparameters[onlyWith as keyof Hyperparameters]) continue;
    if (zeroIsOff && value === 0) continue;
    if (row.kind === "optionalCount") integer(row.option, value, minimum ?? 0, 2 ** 31 - 1);
    else if ((minimum !== null && value < minimum) || (maximum !== null && value > maximum)) {
      throw new RangeError(message(row.option, range(minimum, maximum), value));
    }
  }
  const given = CLIP.filter((option) => hyperparameters[option] !== null);
  if (given.length > 1) {
    const values = given.map((option) => `${option} = ${hyperparameters[option]}`).join(" and ");
    const names = `${CLIP.slice(0, -1).join(", ")} and ${CLIP.at(-1)}`;
    throw new RangeError(`Only one of ${names} can be set; received ${values}.`);
  }
}

/** The ways of clipping, of which at most one can be set. */
const CLIP = HYPERPARAMETERS.filter((row) => row.limits.exclusiveGroup === "clip").map((row) => row.option);

function range(minimum: number | null, maximum: number | null): string {
  if (maximum === null) return `at least ${minimum}`;
  return minimum === null ? `at most ${maximum}` : `in the range [${minimum}, ${maximum}]`;
}
