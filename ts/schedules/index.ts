// The entry `rmsprop-wasm/schedules`.
export * from "./generated/classes.js";
export { PiecewiseConstantDecay, type PiecewiseConstantDecayOptions } from "./piecewise-constant-decay.js";
export type {
  ConfigValue,
  LearningRateSchedule,
  Schedule,
  ScheduleConfig,
  ScheduleConfigInput,
  ScheduleConfigOf,
  SnakeCase,
} from "./schedule.js";
export { deserialize, type Serialized, type SerializedInput, serialize } from "./serialization.js";
