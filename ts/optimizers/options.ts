// The options of `new RMSprop`: their type, their names, and their spelling in Keras' configuration.

import { HYPERPARAMETERS, type Hyperparameters } from "../generated/hyperparameters.js";
import { checkedObject, option } from "../support/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Measure } from "./measure.js";

/** Each hyper-parameter can be left out; `undefined` means the same. */
export type OptionalHyperparameters = {
  readonly [Name in keyof Hyperparameters]?: Hyperparameters[Name] | undefined;
};

/**
 * Options of `new RMSprop`: Keras' constructor arguments in camelCase, all optional. At most one of `clipnorm`,
 * `globalClipnorm` and `clipvalue` can be set: two are a `RangeError`.
 *
 * ```ts
 * const measure = { gradientNorm: true };
 * new RMSprop({ learningRate: 0.01, globalClipnorm: 1, measure, name: "rms" });
 * ```
 */
export interface RMSpropOptions extends OptionalHyperparameters {
  /** A number, a schedule, or a function of the step that is called once per step. Default 0.001. */
  readonly learningRate?: LearningRate | undefined;
  /** Norms that `lastStep` has even if no option needs them. Default: none. Not in Keras' configuration. */
  readonly measure?: Measure | undefined;
  /** Default `rm_sprop`, `rm_sprop_1`, … */
  readonly name?: string | undefined;
}

/** The names of the options. */
export const OPTIONS: readonly string[] = [
  "learningRate",
  "name",
  ...HYPERPARAMETERS.map((row) => row.option),
  "measure",
];

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
