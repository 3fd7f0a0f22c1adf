// The entry `rmsprop-wasm/schedules`.
export { CosineDecay, type CosineDecayOptions } from "./cosine-decay.js";
export { CosineDecayRestarts, type CosineDecayRestartsOptions } from "./cosine-decay-restarts.js";
export { ExponentialDecay, type ExponentialDecayOptions } from "./exponential-decay.js";
export { InverseTimeDecay, type InverseTimeDecayOptions } from "./inverse-time-decay.js";
export { PiecewiseConstantDecay, type PiecewiseConstantDecayOptions } from "./piecewise-constant-decay.js";
export { PolynomialDecay, type PolynomialDecayOptions } from "./polynomial-decay.js";
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
