// Arrays for Python: what NumPy and Python's safetensors read, by number, as Keras' stores have them.

import { writeNpz } from "../formats/npz.js";
import { write } from "../formats/safetensors.js";
import type { StoredArray } from "../formats/stored-optimizer.js";
import type { Values } from "../formats/typed-values.js";
import { message } from "../support/messages.js";
import { arrayKind } from "../support/typed-array.js";

/**
 * The arrays as an `.npz` file, named "0", "1", … in their order. With `optimizer.variables` it is what Keras'
 * `load_own_variables` takes; with `optimizer.trainableVariables` it is the model's values.
 *
 * ```python
 * optimizer.load_own_variables(numpy.load("optimizer.npz"))
 * ```
 *
 * ```ts
 * import { exportNpz, exportSafetensors } from "rmsprop-wasm/keras";
 *
 * const state = exportNpz(optimizer.variables); // for `load_own_variables`
 * const values = exportSafetensors(optimizer.trainableVariables);
 * ```
 *
 * @param variables an optimizer's `variables` or `trainableVariables`.
 * @throws {StateError} if the optimizer or a variable was freed.
 * @throws {TypeError} if it is no list of variables.
 */
export function exportNpz(variables: readonly StoredArray[]): Uint8Array<ArrayBuffer> {
  return writeNpz(checked(variables));
}

/**
 * The same as a safetensors file, whose metadata have the arrays' paths.
 *
 * @param variables an optimizer's `variables` or `trainableVariables`.
 * @throws {StateError} if the optimizer or a variable was freed.
 * @throws {TypeError} if it is no list of variables.
 */
export function exportSafetensors(variables: readonly StoredArray[]): Uint8Array<ArrayBuffer> {
  const list = checked(variables);
  return write({
    metadata: Object.fromEntries(list.map(({ path }, i) => [String(i), path])),
    tensors: new Map(list.map(({ shape, value }, i) => [String(i), { shape, values: value as Values }])),
  });
}

function checked(variables: unknown): readonly StoredArray[] {
  if (!Array.isArray(variables)) throw new TypeError(message("variables", "an array of variables", variables));
  return Array.from(variables, (variable: Partial<StoredArray> | undefined, i) => {
    // Once: asking throws if it was freed.
    const { path, shape, value } = variable ?? {};
    const isArray = ["Float32Array", "Int32Array"].includes(String(arrayKind(value)));
    if (typeof path === "string" && Array.isArray(shape) && isArray)
      return { path, shape, value: value as Float32Array };
    throw new TypeError(message(`variables[${i}]`, "a variable", variable));
  });
}
