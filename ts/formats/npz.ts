// NumPy's archives of arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

import { arrayKind } from "../support/typed-array.js";
import { bytesOf } from "./typed-values.js";
import { encodeUtf8 } from "./utf8.js";
import { writeZip } from "./zip.js";

interface Member {
  readonly shape: readonly number[];
  readonly value: Float32Array | Int32Array;
}

/** Data begin at a multiple of this. */
const ALIGNMENT = 64;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

/** An archive of arrays named "0", "1", … in their order. */
export function writeNpz(arrays: readonly Member[]): Uint8Array<ArrayBuffer> {
  return writeZip(new Map(arrays.map((array, i) => [`${i}.npy`, npy(array)])));
}

function npy({ shape, value }: Member): Uint8Array<ArrayBuffer> {
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
  bytes.set(bytesOf(value), start);
  return bytes;
}
