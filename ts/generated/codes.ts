// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.
import type { Hyperparameters } from "./hyperparameters.js";

/**
 * The kinds of state an optimizer keeps for a variable, by their numbers at the boundary.
 */
export type Slot = "average" | "gradient_accumulator" | "velocity" | "momentum" | "average_gradient";

/** The slots in the order in which Keras lists an optimizer's variables; a slot's index is its number at the boundary. */
export const SLOTS: readonly Slot[] = [
  "average",
  "gradient_accumulator",
  "velocity",
  "momentum",
  "average_gradient"
];

/** By a slot's index: the option that keeps it, if its number is above this; `null`: always kept. */
export const KEPT_BY: readonly ({ option: keyof Hyperparameters; above: number } | null)[] = [
  {
    "above": 0.0,
    "option": "useEma"
  },
  {
    "above": 1.0,
    "option": "gradientAccumulationSteps"
  },
  null,
  {
    "above": 0.0,
    "option": "momentum"
  },
  {
    "above": 0.0,
    "option": "centered"
  }
];

/** By a slot's index: the option whose number it begins with; `null`: 0. */
export const BEGINS_AT: readonly (keyof Hyperparameters | null)[] = [
  null,
  null,
  "initialVelocity",
  null,
  null
];

/**
 * The type of a variable's gradient, by its number at the boundary.
 */
export type GradientDtype = "float32" | "float16" | "bfloat16";

/** The types of gradients by their numbers at the boundary. */
export const GRADIENT_DTYPES: readonly GradientDtype[] = [
  "float32",
  "float16",
  "bfloat16"
];

/**
 * What a call did, by its number at the boundary.
 */
export type Outcome = "none" | "updated" | "accumulated" | "skipped";

/** What a call did, by its number at the boundary. */
export const OUTCOMES: readonly Outcome[] = [
  "none",
  "updated",
  "accumulated",
  "skipped"
];

/** The index of each number about the last call in the array of them. */
export const LAST_STEP: Readonly<Record<"clipFactor" | "finite" | "gradientNorm" | "learningRate" | "lossScale" | "outcome" | "selected" | "updateNorm", number>> = {
  "clipFactor": 5,
  "finite": 3,
  "gradientNorm": 4,
  "learningRate": 1,
  "lossScale": 2,
  "outcome": 0,
  "selected": 7,
  "updateNorm": 6
};

/**
 * Outcome of an exported function, by its number at the boundary.
 */
export type Status = "done" | "skipped" | "outOfMemory" | "freedVariable" | "notFound" | "duplicateVariable" | "iterationLimit";

/** The outcomes by their numbers at the boundary. */
export const STATUSES: readonly Status[] = [
  "done",
  "skipped",
  "outOfMemory",
  "freedVariable",
  "notFound",
  "duplicateVariable",
  "iterationLimit"
];
