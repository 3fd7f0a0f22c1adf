// An optimizer's overrides, indexed by variable: a call of `override` for each of many variables takes linear time in all.

import type { AnyVariable } from "../memory/variable.js";
import {
  assertRateFinite,
  type Override,
  overridden,
  type ResolvedOverrides,
  withoutReplaced,
  withoutVariables,
} from "./overrides.js";
import { isSameSelection, type Selection } from "./variable-selection.js";

export class OverrideIndex {
  /** All of them by the numbers of their calls, in this order. */
  readonly #all = new Map<number, Override>();
  /** The numbers of those without patterns, by the variables that they list. */
  readonly #byVariable = new Map<AnyVariable, Set<number>>();
  readonly #withPatterns = new Set<number>();
  #calls = 0;
  /** The largest multiplier, at least 1: variables without an override have that. */
  #largestMultiplier = 1;

  constructor(overrides: Iterable<Override> = []) {
    for (const override of overrides) this.#append(override);
  }

  get all(): readonly Override[] {
    return [...this.#all.values()];
  }

  /** Adds one, which wins. What it replaces for good is dropped, so that calls in a loop do not pile up. */
  add(last: Override): void {
    const [numbers = []] = this.#listsOf(last.selection);
    for (const number of [...numbers]) {
      const earlier = this.#all.get(number) as Override;
      if (!isSameSelection(earlier.selection, last.selection)) continue;
      const kept = withoutReplaced(earlier, last);
      if (kept) this.#all.set(number, kept);
      else this.#delete(number, earlier);
    }
    this.#append(last);
  }

  /** The index without these variables, and without overrides of nothing else. */
  without(removed: ReadonlySet<AnyVariable>): OverrideIndex {
    return new OverrideIndex(withoutVariables(this.all, removed));
  }

  /** The options of a variable, with one more override if it is given. A regular expression of a user's subclass can throw. */
  of(variable: AnyVariable, last?: Override): ResolvedOverrides {
    const found = this.#about(variable);
    return overridden(last ? [...found, last] : found, variable, variable);
  }

  /**
   * No multiplier makes the learning rate of one of these variables infinite.
   *
   * @throws {RangeError} if one does.
   */
  assertFinite(rate: number, variables: readonly AnyVariable[]): void {
    if (Number.isFinite(Math.fround(rate * this.#largestMultiplier))) return;
    for (const variable of variables) assertRateFinite(variable.path, rate, this.of(variable));
  }

  /** Those that may select a variable, in the order of their calls. */
  #about(variable: AnyVariable): readonly Override[] {
    const own = this.#byVariable.get(variable);
    if (!own && this.#withPatterns.size === 0) return [];
    const numbers = [...(own ?? []), ...this.#withPatterns].sort((a, b) => a - b);
    return numbers.map((number) => this.#all.get(number) as Override);
  }

  #append(override: Override): void {
    const number = this.#calls++;
    this.#all.set(number, override);
    for (const variable of override.selection.variables) {
      if (!this.#byVariable.has(variable)) this.#byVariable.set(variable, new Set());
    }
    for (const numbers of this.#listsOf(override.selection)) numbers.add(number);
    this.#largestMultiplier = Math.max(this.#largestMultiplier, Math.abs(override.given.learningRateMultiplier ?? 1));
  }

  #delete(number: number, { selection }: Override): void {
    this.#all.delete(number);
    for (const numbers of this.#listsOf(selection)) numbers.delete(number);
  }

  /** The lists that have the numbers of the overrides with this selection. */
  #listsOf({ variables, patterns }: Selection): Set<number>[] {
    if (patterns.length > 0) return [this.#withPatterns];
    return [...variables].flatMap((variable) => this.#byVariable.get(variable) ?? []);
  }
}
