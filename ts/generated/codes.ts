// Generated from the Rust definitions by crate/src/bin/bindings.rs. Do not edit: `npm run bindings`.

/**
 * The kinds of state an optimizer keeps for a variable; a kind's place is its number at the boundary.
 */
export type Slot = "average" | "gradient_accumulator" | "velocity" | "momentum" | "average_gradient";

/** The slots in the order in which Keras lists an optimizer's variables; a slot's place is its number at the boundary. */
export const SLOTS: readonly Slot[] = [
  "average",
  "gradient_accumulator",
  "velocity",
  "momentum",
  "average_gradient"
];

/**
 * The type of a variable's gradient; its place is its number at the boundary.
 */
export type GradientDtype = "float32" | "float16" | "bfloat16";

/** The types of gradients by their numbers at the boundary. */
export const GRADIENT_DTYPES: readonly GradientDtype[] = [
  "float32",
  "float16",
  "bfloat16"
];

/**
 * Outcome of an exported function; its place is its number at the boundary.
 */
export type Status = "done" | "skipped" | "outOfMemory" | "freedVariable" | "notFound";

/** The outcomes by their numbers at the boundary. */
export const STATUSES: readonly Status[] = [
  "done",
  "skipped",
  "outOfMemory",
  "freedVariable",
  "notFound"
];
