// What a checkpoint holds, without an optimizer to load it into.

import { parsedConfig } from "./compatibility.js";
import { readContent } from "./content.js";
import { variablesIn } from "./layout.js";
import type { InspectedOverrides } from "./overrides.js";
import type { UserData } from "./user-data.js";

/** What `inspect` returns. */
export interface Inspected extends UserData {
  /** Keras' configuration of the optimizer. */
  readonly optimizer: object;
  /** The variables' overrides by path, as `override` takes them. */
  readonly overrides: Readonly<Record<string, InspectedOverrides>>;
  /** `iteration`, `learning_rate` if it is a number, and of a loss scale `step_counter` and `dynamic_scale`. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Whether the variables' values are in the file, or the optimizer's state alone. */
  readonly includesVariables: boolean;
  /** The variables that were trained, in the file's order. */
  readonly variables: readonly InspectedVariable[];
  /** CRC-32 of the file, eight hexadecimal digits. It was checked. */
  readonly checksum: string;
}

/** A variable in a checkpoint. */
export interface InspectedVariable {
  /** Its path. */
  readonly path: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** The kinds of state that are kept for it. */
  readonly slots: readonly string[];
}

/**
 * Reads a checkpoint without an optimizer: what was saved, and the data that were given to `save`.
 *
 * ```ts
 * import { inspect, save } from "rmsprop-wasm/checkpoint";
 *
 * const { optimizer: config, overrides, scalars, includesVariables, variables, checksum } = inspect(save(optimizer));
 * [scalars["iteration"], includesVariables, checksum.length]; // [0, true, 8]
 * variables; // [{ path: "w", shape: [], slots: ["velocity"] }]
 * ```
 *
 * @param bytes what `save` has given.
 * @throws {CheckpointError} if the bytes were altered or truncated, or `save` did not write them.
 * @throws {TypeError} if they are no Uint8Array.
 */
export function inspect(bytes: Uint8Array): Inspected {
  const { optimizer, overrides, scalars, includesVariables, tensors, checksum, userData } = readContent(bytes);
  return {
    optimizer: parsedConfig(optimizer),
    overrides: Object.fromEntries(overrides),
    scalars: Object.fromEntries(scalars),
    includesVariables,
    variables: Array.from(variablesIn(tensors), ([path, slots]) => ({
      path,
      shape: tensors.get(`${path}/velocity`)?.shape ?? [],
      slots,
    })),
    checksum,
    ...userData,
  };
}
