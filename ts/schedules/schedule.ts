// What all learning-rate schedules share: options, validation, Keras' configuration, evaluation.

import type { Runtime } from "../memory/runtime.js";
import { checkedObject, finite, option } from "../support/checks.js";
import { EVALUATE, KEYS } from "../support/internal.js";
import { message } from "../support/messages.js";

/** Anything that gives a learning rate for a step. */
export interface Schedule {
  /**
   * The learning rate at `step`, the number of calls made before.
   *
   * ```ts
   * optimizer.learningRate = { at: (step) => 0.1 / Math.sqrt(1 + step) };
   * ```
   *
   * @param step from 0.
   */
  at(step: number): number;
}

/** A value of a schedule's configuration. */
export type ConfigValue = number | boolean | string | null | readonly number[];

/** Keras' configuration of a schedule, by Keras' names. */
export type ScheduleConfig = Readonly<Record<string, ConfigValue>>;

/** Keras' spelling of an option: `decaySteps` is `decay_steps`. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

/** Keras' configuration of the schedule with these options: each by Keras' name, none missing. */
export type ScheduleConfigOf<Options> = {
  readonly [Name in keyof Options as SnakeCase<Name & string>]-?: Exclude<Options[Name], undefined>;
};

/** A configuration as `fromConfig` takes it: what has a default can be left out. */
export type ScheduleConfigInput<Options> = {
  readonly [Name in keyof Options as SnakeCase<Name & string>]: Options[Name];
};

/** How one of Keras' names is spelled as an option: `decay_steps` is `decaySteps`. */
export function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Reads the options of a schedule, each by Keras' name, and says by the option's name what is wrong. */
export class OptionReader {
  readonly #given: Record<string, unknown>;

  constructor(options: unknown, keys: readonly string[]) {
    this.#given = checkedObject("options", options, keys.map(camelCase));
  }

  #value(key: string): unknown {
    return option(this.#given, camelCase(key));
  }

  number(key: string, otherwise?: number): number {
    return finite(camelCase(key), this.#value(key) ?? otherwise);
  }

  positive(key: string): number {
    const value = this.number(key);
    if (value <= 0) throw new RangeError(message(camelCase(key), "above 0", value));
    return value;
  }

  optionalNumber(key: string): number | null {
    const value = this.#value(key) ?? null;
    return value === null ? null : finite(camelCase(key), value);
  }

  boolean(key: string): boolean {
    const value = this.#value(key) ?? false;
    if (typeof value !== "boolean") throw new TypeError(message(camelCase(key), "true or false", value));
    return value;
  }

  numbers(key: string): readonly number[] {
    const value = this.#value(key);
    if (!Array.isArray(value)) throw new TypeError(message(camelCase(key), "an array of numbers", value));
    // `from`, because `map` skips holes.
    return Object.freeze(Array.from(value, (item, i) => finite(`${camelCase(key)}[${i}]`, item)));
  }

  name(otherwise: string): string {
    const value = this.#value("name") ?? otherwise;
    if (typeof value !== "string" || value.includes("/")) {
      throw new TypeError(message("name", "a string without `/`", value));
    }
    return value;
  }
}

/**
 * One of Keras' schedules. Its values have the same bits in every engine. (A type: what extends it is here. Any object with
 * `at(step)` is a `Schedule`.)
 *
 * ```ts
 * const rate = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 1000, name: "cosine" });
 * [rate.name, rate.at(0)]; // ["cosine", 0.1]
 * CosineDecay.fromConfig(rate.getConfig()).at(1000); // 0
 * ```
 */
export abstract class LearningRateSchedule<Config extends ScheduleConfig = ScheduleConfig> implements Schedule {
  /** @internal */
  static readonly [KEYS]: readonly string[] = [];
  /** Keras' name of this schedule. */
  abstract readonly name: string;

  /**
   * The float32 learning rate at `step`: the number of calls made before, also when gradients are accumulated.
   *
   * @param step from 0; fractions are possible.
   * @throws {TypeError | RangeError} if the step is no finite number.
   */
  at(step: number): number {
    return this[EVALUATE](finite("step", step));
  }

  /** @internal Without a runtime: in the default one, made only if it is needed. */
  abstract [EVALUATE](step: number, runtime?: Runtime): number;

  /** Keras' configuration of this schedule: what `fromConfig` takes. */
  getConfig(): Config {
    const keys = (this.constructor as typeof LearningRateSchedule)[KEYS];
    const values = this as unknown as Record<string, ConfigValue>;
    return Object.fromEntries(keys.map((key) => [key, values[camelCase(key)] as ConfigValue])) as unknown as Config;
  }

  /**
   * The schedule with Keras' configuration.
   *
   * @throws {RangeError | TypeError} if the configuration is not one of this schedule.
   */
  static fromConfig<Class, Options>(
    this: new (
      options: Options,
    ) => Class,
    config: ScheduleConfigInput<Options>,
  ): Class {
    const keys = (this as unknown as typeof LearningRateSchedule)[KEYS];
    const given = Object.entries(checkedObject("config", config, keys));
    // The constructor checks them.
    return new this(Object.fromEntries(given.map(([key, value]) => [camelCase(key), value])) as Options);
  }
}
