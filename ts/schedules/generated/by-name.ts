// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.
import {
  ExponentialDecay,
  InverseTimeDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
} from "./classes.js";
import type { LearningRateSchedule } from "../schedule.js";

/** Keras' names of the schedules that are defined in Rust, and their classes. */
export const CLASSES: { readonly [Name: string]: { fromConfig(config: never): LearningRateSchedule } } = {
  ExponentialDecay,
  InverseTimeDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
};
