// The constructor's options: their type, made from the generated hyper-parameters, and their validation by the same
// generated table.

import {
  type ClipOption,
  type Descriptor,
  type EmaOption,
  HYPERPARAMETERS,
  type Hyperparameters,
} from "../generated/hyperparameters.js";
import { checkedObject, finite, integer, option, word } from "../support/checks.js";
import { message } from "../support/messages.js";
import type { LearningRate } from "./learning-rate.js";

/** Hyper-parameters as options: each can be left out, and `undefined` is as good as left out. */
export type HyperparameterOptions<Name extends keyof Hyperparameters> = {
  // Over `keyof Pick`, not `Name`: so editors show the documentation of each.
  readonly [Key in keyof Pick<Hyperparameters, Name>]?: Hyperparameters[Key] | undefined;
};

/** At most one way of clipping. */
export type ClipOptions = {
  [Name in ClipOption]: HyperparameterOptions<Name> & {
    readonly [Other in keyof Pick<Hyperparameters, Exclude<ClipOption, Name>>]?: null | undefined;
  };
}[ClipOption];

/** Options of the moving average only beside `useEma`. */
export type EmaOptions =
  | (Readonly<Pick<Hyperparameters, "useEma">> & HyperparameterOptions<EmaOption>)
  | { readonly [Name in keyof Pick<Hyperparameters, EmaOption | "useEma">]?: undefined };

/** Options of `new RMSprop`: Keras' constructor arguments in camelCase, all optional. */
export type RMSpropOptions = {
  /** A number, a schedule, or a function of the step that is called once per step. Default 0.001. */
  readonly learningRate?: LearningRate | undefined;
  /** Default `rm_sprop`, `rm_sprop_1`, … */
  readonly name?: string | undefined;
} & HyperparameterOptions<Exclude<keyof Hyperparameters, ClipOption | EmaOption | "useEma">> &
  ClipOptions &
  EmaOptions;

/** `RMSpropOptions` without some of them. The rules between the others are kept, which `Omit` would lose. */
export type RMSpropOptionsWithout<Name extends keyof RMSpropOptions> = RMSpropOptions extends infer Each
  ? // Of each member of the union.
    Each extends unknown
    ? Omit<Each, Name>
    : never
  : never;

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

/** Options of which at most one can be set. */
const CLIP = HYPERPARAMETERS.filter((row) => row.limits.exclusiveGroup === "clip").map((row) => row.option);

function range(minimum: number | null, maximum: number | null): string {
  if (maximum === null) return `at least ${minimum}`;
  return minimum === null ? `at most ${maximum}` : `in the range [${minimum}, ${maximum}]`;
}

/** The constructor's options. */
export const OPTIONS: readonly string[] = ["learningRate", "name", ...HYPERPARAMETERS.map((row) => row.option)];

/** The constructor's argument, if it has no unknown keys. Keras' retired `decay` is let through and ignored. */
export function checkedOptions(options: unknown): Record<string, unknown> {
  return checkedObject("options", options, OPTIONS, ["decay"]);
}

/**
 * The options of an adapter, which may have options of its own. It refuses `decay`: in tfjs that is the name of what Keras
 * calls `rho`, and in Keras it was a decay of the learning rate.
 */
export function adapterOptions(options: unknown, more: readonly string[] = []): Record<string, unknown> {
  const given = checkedObject("options", options, [...OPTIONS, ...more], ["decay"]);
  if (option(given, "decay") === undefined) return given;
  throw new TypeError(
    "Argument `decay` is not an option: ρ is `rho` (tfjs calls it decay); a decaying learning rate is a schedule.",
  );
}

/** Keras' configuration with the names of the options: `weight_decay` is `weightDecay`. */
export function optionsFromConfig(config: unknown): Record<string, unknown> {
  const spelling = new Map<string, string>([
    ["learning_rate", "learningRate"],
    ["name", "name"],
    ...HYPERPARAMETERS.map((row): [string, string] => [row.key, row.option]),
    ["decay", "decay"],
  ]);
  const given = checkedObject("config", config, [...spelling.keys()]);
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [spelling.get(key), value]));
}

/** A hyper-parameter as its number at the boundary: `NaN` for "off", the place of a word among its choices. */
export function boundaryNumber({ option, choices }: Descriptor, hyperparameters: Hyperparameters): number {
  const value = hyperparameters[option];
  if (typeof value === "string") return choices.indexOf(value);
  return value === null ? Number.NaN : Number(value);
}
