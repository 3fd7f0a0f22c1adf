// Which of an optimizer's variables a call is about: `excludeFromWeightDecay` and `override`.

import { checkedVariables } from "../memory/checked-variables.js";
import type { AnyVariable } from "../memory/variable.js";
import { checkedObject, option } from "../support/checks.js";
import { message, show } from "../support/messages.js";

/** Which variables `excludeFromWeightDecay` excludes. */
export interface WeightDecayExclusion {
  /** These variables. */
  readonly variables?: readonly AnyVariable[] | undefined;
  /** Variables in whose name one of these is found; a string is a regular expression, as in Keras. */
  readonly names?: readonly (string | RegExp)[] | undefined;
  /** Variables in whose path one of these is found, such as `/^encoder\//`; a string is a regular expression. */
  readonly paths?: readonly (string | RegExp)[] | undefined;
}

/** Which variables `override` is about. */
export interface OverrideSelection extends WeightDecayExclusion {
  /**
   * Whether a variable, a name or a path may match none of the optimizer's variables. Default false: that is an error, at once
   * if the optimizer is built, or else when it is.
   */
  readonly optional?: boolean | undefined;
}

/** A pattern, and what it is searched in. */
interface Pattern {
  /** How messages call it: `names[0]`. */
  readonly argument: string;
  readonly key: "name" | "path";
  readonly pattern: RegExp;
}

/** A selection that was checked, of variables of a class `V`: that of an adapter's framework. */
export interface Selection<V = AnyVariable> {
  readonly variables: ReadonlySet<V>;
  readonly patterns: readonly Pattern[];
}

/** What patterns are searched in. */
export type Named = Readonly<Record<Pattern["key"], string>>;

/** The selection in `which`, whose other keys are `more`. */
export function checkedSelection(which: unknown, more?: readonly string[]): Selection;
export function checkedSelection<V>(
  which: unknown,
  more: readonly string[],
  checked: (variables: unknown) => readonly V[],
): Selection<V>;
export function checkedSelection(
  which: unknown,
  more: readonly string[] = [],
  checked: (variables: unknown) => readonly unknown[] = checkedVariables,
): Selection<unknown> {
  const given = checkedObject("which", which, ["variables", "names", "paths", ...more]);
  return {
    variables: new Set(checked(option(given, "variables") ?? [])),
    patterns: [
      ...checkedPatterns("names", "name", option(given, "names")),
      ...checkedPatterns("paths", "path", option(given, "paths")),
    ],
  };
}

/** Whether a variable is selected. A regular expression of a user's subclass can throw. */
export function selects<V>({ variables, patterns }: Selection<V>, variable: V, named: Named): boolean {
  return variables.has(variable) || patterns.some((pattern) => isFound(pattern, named));
}

/** Whether both select the same of any variables. */
export function isSameSelection<V>(a: Selection<V>, b: Selection<V>): boolean {
  return (
    a.variables.size === b.variables.size &&
    a.patterns.length === b.patterns.length &&
    [...a.variables].every((variable) => b.variables.has(variable)) &&
    a.patterns.every(({ key, pattern }, i) => {
      const other = b.patterns[i];
      // A subclass may search in another way.
      const isPlain = [pattern, other?.pattern].every((each) => each?.constructor === RegExp);
      return (
        key === other?.key && (pattern === other.pattern || (isPlain && String(pattern) === String(other.pattern)))
      );
    })
  );
}

/**
 * Every variable, name and path of the selection matches one of the optimizer's variables, which `known` has too. Only patterns look
 * at all of them.
 *
 * @throws {RangeError} that names what matches none.
 */
export function assertMatches<V>(
  selection: Selection<V>,
  variables: () => readonly V[],
  named: (variable: V) => Named,
  known: Pick<ReadonlySet<V>, "has">,
): void {
  [...selection.variables].forEach((variable, i) => {
    if (known.has(variable)) return;
    const path = show(named(variable).path);
    throw new RangeError(`Argument \`variables[${i}]\` (${path}) is not one of this optimizer's variables${HINT}`);
  });
  if (selection.patterns.length === 0) return;
  const all = variables();
  for (const pattern of selection.patterns) {
    if (all.some((variable) => isFound(pattern, named(variable)))) continue;
    const keys = [...new Set(all.map((variable) => named(variable)[pattern.key]))];
    const shown = [...keys.slice(0, 4).map(show), ...(keys.length > 4 ? ["…"] : [])].join(", ");
    throw new RangeError(
      `Argument \`${pattern.argument}\` (${pattern.pattern}) matches no variable's ${pattern.key}: ${shown || "there are none"}${HINT}`,
    );
  }
}

/** For what may be there later, or not in every model. */
const HINT = "; if that is meant, add `optional: true`.";

/** `search` starts at the beginning whatever a global or sticky pattern did before. */
function isFound({ key, pattern }: Pattern, named: Named): boolean {
  return named[key].search(pattern) >= 0;
}

function checkedPatterns(argument: string, key: Pattern["key"], given: unknown = []): Pattern[] {
  if (!Array.isArray(given))
    throw new TypeError(message(argument, "an array of strings and regular expressions", given));
  // `from`, because `map` skips holes.
  return Array.from(given, (pattern: unknown, i) => {
    const item = `${argument}[${i}]`;
    return { argument: item, key, pattern: checkedPattern(item, pattern) };
  });
}

function checkedPattern(argument: string, pattern: unknown): RegExp {
  if (pattern instanceof RegExp) return pattern;
  if (typeof pattern !== "string") throw new TypeError(message(argument, "a string or a regular expression", pattern));
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new RangeError(message(argument, "a valid regular expression", pattern), { cause });
  }
}
