// Keras' serialized form of schedules, both ways.
import { checkedObject, option } from "../support/checks.js";
import { message, show } from "../support/messages.js";
import { CLASSES as GENERATED } from "./generated/by-name.js";
import { PiecewiseConstantDecay } from "./piecewise-constant-decay.js";
import type { LearningRateSchedule, Schedule, ScheduleConfig } from "./schedule.js";

/** Keras' JSON of a serialized object. */
export interface Serialized<Config = unknown> {
  /** Python's module, such as `keras.optimizers.schedules`; `null` for what Keras does not know. */
  readonly module: string | null;
  /** Python's name of the class. */
  readonly class_name: string;
  /** What the class's `get_config` returned. */
  readonly config: Config;
  /** The name it was registered by; `null` for Keras' own classes. */
  readonly registered_name: string | null;
}

/** Keras' JSON as it is taken: of the object, only its class and its configuration are looked at. */
export interface SerializedInput<Config = unknown> {
  /** Python's name of the class. */
  readonly class_name: string;
  /** What the class's `get_config` returned. */
  readonly config: Config;
  /** Not looked at. */
  readonly module?: string | null | undefined;
  /** Not looked at. */
  readonly registered_name?: string | null | undefined;
}

/** A class of schedules, whose constructor checks its configuration. */
interface ScheduleClass {
  fromConfig(config: object): LearningRateSchedule;
}

/** Keras' schedules by their names. */
const CLASSES = { ...GENERATED, PiecewiseConstantDecay } as Readonly<Record<string, ScheduleClass>>;

/**
 * Keras' JSON of a schedule. One that is not Keras' own keeps its class's name, and its `getConfig()` if it has one.
 *
 * ```ts
 * const { module, class_name, registered_name, config } = serialize(new PiecewiseConstantDecay({ boundaries: [], values: [1] }));
 * [module, class_name, registered_name]; // ["keras.optimizers.schedules", "PiecewiseConstantDecay", null]
 * config["values"]; // [1]
 * ```
 *
 * @param schedule one of Keras', or any object with `at(step)`.
 */
export function serialize(schedule: Schedule & { getConfig?: () => ScheduleConfig }): Serialized<ScheduleConfig> {
  const name = Object.keys(CLASSES).find((key) => (CLASSES[key] as unknown) === schedule.constructor);
  const own = (schedule as { constructor?: { name: unknown } }).constructor?.name;
  const custom = typeof own === "string" ? own : "Object";
  return {
    module: name === undefined ? null : "keras.optimizers.schedules",
    class_name: name ?? custom,
    config: schedule.getConfig?.() ?? {},
    registered_name: name === undefined ? custom : null,
  };
}

/**
 * The schedule in Keras' JSON; `class_name` in any case, as in Keras.
 *
 * ```ts
 * const config = { initial_learning_rate: 0.1, decay_steps: 1000 };
 * const keras = { module: "keras.optimizers.schedules", registered_name: null };
 * deserialize({ ...keras, class_name: "CosineDecay", config }).at(1000); // 0
 * ```
 *
 * @param json what `serialize`, here or in Keras, gave.
 * @throws {TypeError | RangeError} if it is not one of Keras' schedules, or its configuration is not valid.
 */
export function deserialize(json: SerializedInput): LearningRateSchedule {
  const serialized = checkedObject("schedule", json);
  const name = option(serialized, "class_name");
  const wanted = typeof name === "string" ? name.toLowerCase() : undefined;
  const found = Object.keys(CLASSES).find((key) => key.toLowerCase() === wanted);
  if (wanted === "function") {
    throw new TypeError("A learning rate that was a function cannot be restored from a configuration: set it anew.");
  }
  if (found === undefined) {
    throw new TypeError(message("class_name", `one of ${Object.keys(CLASSES).join(", ")}`, name));
  }
  const config = option(serialized, "config");
  if (typeof config !== "object" || config === null) {
    throw new TypeError(`The configuration of ${found} must be an object; received ${show(config)}.`);
  }
  return (CLASSES[found] as ScheduleClass).fromConfig(config);
}
