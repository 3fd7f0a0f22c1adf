// Options of some variables that replace their optimizer's: `override`.

import type { AnyVariable } from "../memory/variable.js";
import { checkedObject, finite, option } from "../support/checks.js";
import { message, show } from "../support/messages.js";
import { assertMatches, checkedSelection, type Named, type Selection, selects } from "./variable-selection.js";

/** Options of some variables that replace their optimizer's. `null` takes an option back: it is the optimizer's again. */
export interface VariableOverrides {
  /**
   * The learning rate of these variables, for the step and for weight decay, is float32(η · this), where η is the optimizer's.
   * Default: 1.
   */
  readonly learningRateMultiplier?: number | null | undefined;
  /**
   * The weight decay of these variables, also if they are excluded from it; `false`: none.
   * Default: the optimizer's `weightDecay`.
   */
  readonly weightDecay?: number | false | null | undefined;
  /**
   * `false`: steps leave the values and the state as they are, and do not look at the gradients: neither the global norm nor
   * a loss scale does. Only the moving average goes on.
   * Default: true.
   */
  readonly trainable?: boolean | null | undefined;
}

/** What a variable does, after all overrides. */
export interface ResolvedOverrides {
  /** 1 if it is not overridden. */
  readonly learningRateMultiplier: number;
  /** λ; `false`: none; `null`: the optimizer's. */
  readonly weightDecay: number | false | null;
  /** Whether steps change it. */
  readonly trainable: boolean;
}

/** The options of a variable that is not overridden. */
const NO_OVERRIDES: ResolvedOverrides = { learningRateMultiplier: 1, weightDecay: null, trainable: true };

/** The options, and what each must be if it is not `null`. */
const CHECKS = {
  learningRateMultiplier: finite,
  weightDecay(argument: string, value: unknown) {
    if (typeof value === "number") finite(argument, value);
    else if (value !== false) throw new TypeError(message(argument, "a finite number, false or null", value));
  },
  trainable(argument: string, value: unknown) {
    if (typeof value !== "boolean") throw new TypeError(message(argument, "true, false or null", value));
  },
};

const FIELDS = Object.keys(CHECKS) as (keyof typeof CHECKS)[];

/** One call of `override`. */
export interface Override<V = AnyVariable> {
  readonly selection: Selection<V>;
  /** Whether parts of the selection may match nothing. */
  readonly optional: boolean;
  readonly given: VariableOverrides;
}

/** The arguments of `override`, checked. */
export function checkedOverride(which: unknown, options: unknown): Override;
export function checkedOverride<V>(
  which: unknown,
  options: unknown,
  checked: (variables: unknown) => readonly V[],
): Override<V>;
export function checkedOverride(
  which: unknown,
  options: unknown,
  checked?: (variables: unknown) => readonly unknown[],
): Override<unknown> {
  const selection = checkedSelection(which, ["optional"], checked as (variables: unknown) => readonly unknown[]);
  const optional = option(which as Record<string, unknown>, "optional") ?? false;
  if (typeof optional !== "boolean") throw new TypeError(message("optional", "true or false", optional));
  const given = checkedOptions(options);
  if (!optional && selection.variables.size + selection.patterns.length === 0)
    throw new RangeError(
      "Argument `which` selects nothing: give `variables`, `names` or `paths`, or add `optional: true`.",
    );
  return { selection, optional, given };
}

function checkedOptions(options: unknown): VariableOverrides {
  const given = checkedObject("options", options, FIELDS);
  const present = FIELDS.map((field) => [field, option(given, field)] as const).filter(
    ([, value]) => value !== undefined,
  );
  for (const [field, value] of present) if (value !== null) CHECKS[field](field, value);
  return Object.fromEntries(present);
}

/** An override without what a later one of the same variables gives; `undefined` if nothing is left. */
export function withoutReplaced<V>(earlier: Override<V>, last: Override<V>): Override<V> | undefined {
  const kept = Object.entries(earlier.given).filter(([field]) => !(field in last.given));
  return kept.length > 0 ? { ...earlier, given: Object.fromEntries(kept) } : undefined;
}

/** The overrides without these variables; one of nothing else is dropped. */
export function withoutVariables<V>(
  overrides: readonly Override<V>[],
  removed: ReadonlySet<V>,
): readonly Override<V>[] {
  return overrides.flatMap((override) => {
    const { variables, patterns } = override.selection;
    const kept = new Set([...variables].filter((variable) => !removed.has(variable)));
    if (kept.size === variables.size) return override;
    return kept.size + patterns.length > 0 ? { ...override, selection: { variables: kept, patterns } } : [];
  });
}

/**
 * No multiplier makes the learning rate of a variable infinite.
 *
 * @throws {RangeError} if one does.
 */
export function assertRateFinite(path: string, rate: number, { learningRateMultiplier }: ResolvedOverrides): void {
  if (Number.isFinite(Math.fround(rate * learningRateMultiplier))) return;
  throw new RangeError(
    `The learning rate of variable ${show(path)} must be finite in float32; received ${rate} * ${learningRateMultiplier}.`,
  );
}

/** What a variable does with these overrides. */
export function overridden<V>(overrides: readonly Override<V>[], variable: V, named: Named): ResolvedOverrides {
  if (overrides.length === 0) return NO_OVERRIDES;
  let options: Required<VariableOverrides> = { ...NO_OVERRIDES };
  for (const { selection, given } of overrides) {
    if (selects(selection, variable, named)) options = { ...options, ...given };
  }
  return {
    learningRateMultiplier: options.learningRateMultiplier ?? NO_OVERRIDES.learningRateMultiplier,
    weightDecay: options.weightDecay ?? NO_OVERRIDES.weightDecay,
    trainable: options.trainable ?? NO_OVERRIDES.trainable,
  };
}

/**
 * Every selection that must match some of these variables does; `known` has the same variables.
 *
 * @throws {RangeError} if not.
 */
export function assertOverridesMatch<V>(
  overrides: readonly Override<V>[],
  variables: () => readonly V[],
  named: (variable: V) => Named,
  known: Pick<ReadonlySet<V>, "has"> = new Set(variables()),
): void {
  for (const { selection, optional } of overrides) if (!optional) assertMatches(selection, variables, named, known);
}
