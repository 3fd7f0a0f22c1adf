// Arrays of numbers by the names that safetensors gives their types.

import { arrayBuffer, arrayKind, arrayOffset } from "../support/typed-array.js";
import { isLittleEndian, swapped } from "./little-endian.js";

/** Numbers of a type that JavaScript has an array for. */
export type Values =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

interface Constructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): Values;
}

const ARRAYS: Readonly<Record<string, Constructor>> = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  I16: Int16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  U64: BigUint64Array,
};

/** Their names by those of the arrays. */
const DTYPES: ReadonlyMap<string | undefined, string> = /* @__PURE__ */ new Map(
  Object.entries(ARRAYS).map(([dtype, { name }]) => [name, dtype]),
);

/** Types without an array of their own. */
const OTHERS: Readonly<Record<string, number>> = { BOOL: 1, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 };

/** Bytes of a number; `undefined` for a type that is not known. */
export function widthOf(dtype: string): number | undefined {
  if (Object.hasOwn(ARRAYS, dtype)) return ARRAYS[dtype]?.BYTES_PER_ELEMENT;
  return Object.hasOwn(OTHERS, dtype) ? OTHERS[dtype] : undefined;
}

/** The type of an array, of whatever realm it is; `undefined` for what is none. */
export function dtypeOf(values: unknown): string | undefined {
  return DTYPES.get(arrayKind(values));
}

/** The numbers as the bytes of a file: a view where the host's byte order is theirs. */
export function bytesOf(values: {
  readonly byteLength: number;
  readonly BYTES_PER_ELEMENT: number;
}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(arrayBuffer(values), arrayOffset(values), values.byteLength);
  return swapped(bytes, values.BYTES_PER_ELEMENT);
}

/** Returns a function that writes numbers into a file at an offset; float32s without a view for each of a million arrays. */
export function valueWriter(file: Uint8Array<ArrayBuffer>): (values: Values, at: number) => void {
  const floats = new Float32Array(file.buffer, 0, Math.floor(file.buffer.byteLength / 4));
  return (values, at) => {
    const offset = file.byteOffset + at;
    const isDirect = isLittleEndian && offset % 4 === 0 && arrayKind(values) === "Float32Array";
    if (isDirect) floats.set(values as Float32Array, offset / 4);
    else file.set(bytesOf(values), at);
  };
}

/**
 * The numbers in a part of a file: a view where it can be, else a copy. `undefined` for types without an array.
 */
export function valuesOf(
  dtype: string,
  file: Uint8Array<ArrayBuffer>,
  begin = 0,
  end: number = file.length,
): Values | undefined {
  if (!Object.hasOwn(ARRAYS, dtype)) return undefined;
  const type = ARRAYS[dtype] as Constructor;
  const width = type.BYTES_PER_ELEMENT;
  const offset = file.byteOffset + begin;
  if (isLittleEndian && offset % width === 0) return new type(file.buffer, offset, (end - begin) / width);
  const own = swapped(file.slice(begin, end), width);
  return new type(own.buffer, own.byteOffset, own.length / width);
}
