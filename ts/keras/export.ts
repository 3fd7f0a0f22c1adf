// Arrays for Python: what NumPy and Python's safetensors read, by number, as Keras' stores have them.

import { littleEndian } from "../formats/little-endian.js";
import { write } from "../formats/safetensors.js";
import { encodeUtf8 } from "../formats/utf8.js";
import { writeZip } from "../formats/zip.js";
import { message } from "../support/messages.js";
import { arrayKind } from "../support/typed-array.js";

/** What `optimizer.variables` and `optimizer.trainableVariables` are lists of. */
export interface Exported {
  /** Its name in the metadata of `exportSafetensors`. */
  readonly path: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its numbers. */
  readonly value: Float32Array | Int32Array;
}

/** Data begin at a multiple of so many bytes (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
const ALIGNMENT = 64;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

/**
 * The arrays as an `.npz` file, named "0", "1", … in their order. With `optimizer.variables` it is what Keras'
 * `load_own_variables` takes; with `optimizer.trainableVariables` it is the model's values.
 *
 * ```python
 * optimizer.load_own_variables(numpy.load("optimizer.npz"))
 * ```
 *
 * @throws {StateError} if the optimizer or a variable was freed.
 */
export function exportNpz(variables: readonly Exported[]): Uint8Array<ArrayBuffer> {
  const list = checked(variables);
  return writeZip(new Map(list.map((variable, i) => [`${i}.npy`, npy(variable)])));
}

/** The same as a safetensors file, whose metadata have the arrays' paths. */
export function exportSafetensors(variables: readonly Exported[]): Uint8Array<ArrayBuffer> {
  const list = checked(variables);
  return write({
    metadata: Object.fromEntries(list.map(({ path }, i) => [String(i), path])),
    tensors: new Map(list.map(({ shape, value }, i) => [String(i), { shape, values: value }])),
  });
}

function checked(variables: unknown): readonly Exported[] {
  if (!Array.isArray(variables)) throw new TypeError(message("variables", "an array of variables", variables));
  return Array.from(variables, (variable: Partial<Exported> | undefined, i) => {
    // Once: asking throws if it was freed.
    const { path, shape, value } = variable ?? {};
    const isArray = ["Float32Array", "Int32Array"].includes(String(arrayKind(value)));
    if (typeof path === "string" && Array.isArray(shape) && isArray)
      return { path, shape, value: value as Float32Array };
    throw new TypeError(message(`variables[${i}]`, "a variable", variable));
  });
}

function npy({ shape, value }: Exported): Uint8Array<ArrayBuffer> {
  const type = arrayKind(value) === "Float32Array" ? "<f4" : "<i4";
  // A tuple of one has a comma behind it.
  const tuple = shape.length === 1 ? `(${shape},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((MAGIC.length + 2 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(start + value.byteLength).fill(0x20, 0, start);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint16(MAGIC.length, start - MAGIC.length - 2, true);
  bytes.set(encodeUtf8(text), MAGIC.length + 2);
  bytes[start - 1] = 0x0a;
  bytes.set(littleEndian(value), start);
  return bytes;
}
