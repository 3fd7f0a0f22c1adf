// An optimizer's overrides, indexed by variable: a call of `override` for each of many variables takes linear time in all.

import {
  assertRateFinite,
  type Override,
  overridden,
  type ResolvedOverrides,
  withoutReplaced,
  withoutVariables,
} from "./overrides.js";
import { isSameSelection, type Named, type Selection } from "./variable-selection.js";

/** `V` are variables of whatever framework. */
export class OverrideIndex<V> {
  readonly #named: (variable: V) => Named;
  /** All of them by the numbers of their calls, in this order. */
  readonly #all = new Map<number, Override<V>>();
  /** The numbers of those without patterns, by the variables that they list. */
  readonly #byVariable = new Map<V, Set<number>>();
  /** The numbers of those with patterns, by the patterns' text. */
  readonly #byPatterns = new Map<string, Set<number>>();
  #calls = 0;
  /** The largest multiplier, at least 1: variables without an override have that. */
  #largestMultiplier = 1;

  /** `named` gives the names that patterns are searched in. */
  constructor(named: (variable: V) => Named, overrides: Iterable<Override<V>> = []) {
    this.#named = named;
    for (const override of overrides) this.#append(override);
  }

  get all(): readonly Override<V>[] {
    return [...this.#all.values()];
  }

  /** Adds one, which wins. What it replaces for good is dropped, so that calls in a loop do not pile up. */
  add(last: Override<V>): void {
    const [numbers = []] = this.#listsOf(last.selection);
    for (const number of [...numbers]) {
      const earlier = this.#all.get(number) as Override<V>;
      if (!isSameSelection(earlier.selection, last.selection)) continue;
      const kept = withoutReplaced(earlier, last);
      if (kept) this.#all.set(number, kept);
      else this.#delete(number, earlier);
    }
    this.#append(last);
  }

  /** The index without these variables, and without overrides of nothing else. */
  without(removed: ReadonlySet<V>): OverrideIndex<V> {
    return new OverrideIndex(this.#named, withoutVariables(this.all, removed));
  }

  /** The options of a variable, with one more override if it is given. A regular expression of a user's subclass can throw. */
  of(variable: V, last?: Override<V>): ResolvedOverrides {
    const found = this.#about(variable);
    return overridden(last ? [...found, last] : found, variable, this.#named(variable));
  }

  /**
   * No multiplier makes the learning rate of one of these variables infinite.
   *
   * @throws {RangeError} if one does.
   */
  assertFinite(rate: number, variables: readonly V[]): void {
    if (Number.isFinite(Math.fround(rate * this.#largestMultiplier))) return;
    for (const variable of variables) assertRateFinite(this.#named(variable).path, rate, this.of(variable));
  }

  /** Those that may select a variable, in the order of their calls. */
  #about(variable: V): readonly Override<V>[] {
    const lists = [this.#byVariable.get(variable) ?? [], ...this.#byPatterns.values()];
    const numbers = lists.flatMap((list) => [...list]).sort((a, b) => a - b);
    return numbers.map((number) => this.#all.get(number) as Override<V>);
  }

  #append(override: Override<V>): void {
    const number = this.#calls++;
    this.#all.set(number, override);
    for (const numbers of this.#listsOf(override.selection)) numbers.add(number);
    this.#largestMultiplier = Math.max(this.#largestMultiplier, Math.abs(override.given.learningRateMultiplier ?? 1));
  }

  #delete(number: number, { selection }: Override<V>): void {
    this.#all.delete(number);
    for (const numbers of this.#listsOf(selection)) numbers.delete(number);
  }

  /** The lists that have the numbers of the overrides with this selection. */
  #listsOf({ variables, patterns }: Selection<V>): Set<number>[] {
    if (patterns.length > 0) return [listOf(this.#byPatterns, textOf(patterns))];
    return [...variables].map((variable) => listOf(this.#byVariable, variable));
  }
}

/** The list for this key, which is made if there is none. */
function listOf<K>(lists: Map<K, Set<number>>, key: K): Set<number> {
  const list = lists.get(key) ?? new Set();
  lists.set(key, list);
  return list;
}

/** Patterns that are the same have the same text. That of a user's subclass is not asked for: it can throw. */
const textOf = (patterns: Selection["patterns"]): string =>
  patterns.map(({ key, pattern }) => `${key} ${pattern.constructor === RegExp ? pattern : ""}`).join();
