// Keras' configurations as text. JavaScript writes the number 1.0 as `1`, which Python reads as an integer; Keras then
// refuses an integer learning rate, and turns a whole schedule into integers.

import { HYPERPARAMETERS } from "../generated/hyperparameters.js";
import { message } from "../support/messages.js";

/** Keys whose values are counts in Keras; all other numbers are floats. */
const COUNTS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  ...HYPERPARAMETERS.filter((row) => row.kind === "optionalCount").map((row) => row.key),
  ...["dynamic_growth_steps", "boundaries", "warmup_steps"],
]);

/**
 * `config` (of an optimizer or a schedule) as JSON in which every float has a decimal point: what Keras can read.
 *
 * ```ts
 * stringifyConfig({ learning_rate: 1 }); // "{\"learning_rate\": 1.0}"
 * ```
 *
 * @param config what `getConfig` gave.
 * @throws {TypeError} for what JSON cannot hold.
 */
export function stringifyConfig(config: object): string {
  // Its own rules come first: what `toJSON` gives, no functions, `null` for what is not finite.
  const text: string | undefined = JSON.stringify(config, tagged);
  if (text === undefined) throw new TypeError(message("config", "an object", config));
  return write(JSON.parse(text), false);
}

/** Numbers as texts, because JSON writes -0 as 0. Texts get a quotation mark in front, which tells them from numbers. */
function tagged(_key: string, given: unknown): unknown {
  const value = given instanceof Number || given instanceof String ? given.valueOf() : given;
  if (typeof value === "string") return `"${value}`;
  return typeof value === "number" && Number.isFinite(value) ? `${Object.is(value, -0) ? "-0" : value}` : value;
}

/** Text of what `JSON.parse` gave. */
function write(value: unknown, isCount: boolean): string {
  if (typeof value === "string") {
    if (value.startsWith('"')) return JSON.stringify(value.slice(1));
    return isCount || /[.e]/.test(value) ? value : `${value}.0`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, isCount)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}: ${write(item, COUNTS.has(key))}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
