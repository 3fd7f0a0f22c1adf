/** How a replay makes the package's objects out of Keras' keyword arguments: by each public route, on one runtime. */

import { type createRuntime, deserialize, LossScaleOptimizer, RMSprop } from "rmsprop-wasm";
import * as schedules from "rmsprop-wasm/schedules";
import type { Config, Serialized, TrainingCase } from "./format.js";

export type Runtime = ReturnType<typeof createRuntime>;

export const BACKENDS = ["wasm", "js"] as const;

/**
 * The routes through the public API; all must give the same bits.
 * - `options`: camelCase options, then `apply(gradients)`
 * - `config`: `fromConfig` with the arguments of the case, then `step()` on the gradient views
 * - `get_config`: `fromConfig` with Keras' full configuration, then `applyGradients(pairs)`
 */
export const ROUTES = ["options", "config", "get_config"] as const;
export type Route = (typeof ROUTES)[number];

export interface Subject {
  readonly runtime: Runtime;
  readonly route: Route;
}

/** Keras' keyword arguments in camelCase; a serialized schedule becomes a schedule. */
function toOptions(config: Config): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    options[camelCase(key)] = key === "learning_rate" && isSerialized(value) ? deserialize(value as never) : value;
  }
  return options;
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function isSerialized(value: unknown): value is Serialized {
  return typeof value === "object" && value !== null && "class_name" in value;
}

/** The vectors hold arguments that no option type allows, such as EMA options without EMA: hence the `as never`. */
export function makeRMSprop(config: Config, byOptions: boolean): RMSprop {
  return byOptions ? new RMSprop(toOptions(config) as never) : RMSprop.fromConfig(config as never);
}

export function makeLossScaleOptimizer(inner: RMSprop, config: Config, byOptions: boolean): LossScaleOptimizer {
  if (byOptions) return new LossScaleOptimizer(inner, toOptions(config) as never);
  const serialized = {
    module: "keras.optimizers",
    class_name: "RMSprop",
    config: inner.getConfig(),
    registered_name: null,
  };
  inner.free();
  return LossScaleOptimizer.fromConfig({ ...config, inner_optimizer: serialized } as never);
}

export interface Optimizers {
  readonly inner: RMSprop;
  readonly scaler: LossScaleOptimizer | null;
}

export function makeOptimizers(vector: TrainingCase, route: Route): Optimizers {
  const byOptions = route === "options";
  const config = route === "get_config" ? vector.get_config : vector.config;
  if (vector.loss_scale === undefined) return { inner: makeRMSprop(config, byOptions), scaler: null };
  if (route === "get_config") {
    const scaler = LossScaleOptimizer.fromConfig(config as never);
    return { inner: scaler.innerOptimizer, scaler };
  }
  const named = { ...vector.loss_scale, name: vector.get_config["name"] };
  const scaler = makeLossScaleOptimizer(makeRMSprop(vector.config, byOptions), named, byOptions);
  return { inner: scaler.innerOptimizer, scaler };
}

interface ScheduleClass {
  new (options: never): schedules.LearningRateSchedule;
  fromConfig(config: never): schedules.LearningRateSchedule;
}

export function makeSchedule(className: string, config: Config, byOptions: boolean): schedules.LearningRateSchedule {
  const Schedule = (schedules as unknown as Record<string, ScheduleClass>)[className]!;
  return byOptions ? new Schedule(toOptions(config) as never) : Schedule.fromConfig(config as never);
}
