// An array in an HDF5 file.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import { fromBfloat16, fromFloat16 } from "./half.js";
import type { Hdf5Bytes } from "./hdf5-bytes.js";
import { type Values, valuesOf } from "./typed-values.js";

/** A type: NumPy's name of it, and the bytes of a number. */
export interface Datatype {
  readonly name: string;
  readonly size: number;
}

/** Where the bytes are: in one piece, or in chunks of a shape. */
export type Layout =
  | { readonly at: number | undefined; readonly size: number }
  | { readonly tree: number | undefined; readonly chunk: readonly number[] }
  | "compressed";

/** The types that arrays are read as, by safetensors' names. */
const TYPES: Readonly<Record<string, string>> = {
  float16: "U16",
  bfloat16: "U16",
  float32: "F32",
  float64: "F64",
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
};

export class Dataset {
  readonly path: string;
  readonly shape: readonly number[];
  readonly #bytes: Hdf5Bytes;
  readonly #datatype: Datatype;
  readonly #layout: Layout;

  constructor(bytes: Hdf5Bytes, path: string, shape: readonly number[], datatype: Datatype, layout: Layout) {
    this.path = path;
    this.shape = shape;
    this.#bytes = bytes;
    this.#datatype = datatype;
    this.#layout = layout;
  }

  /** The type, as NumPy calls it. */
  get dtype(): string {
    return this.#datatype.name;
  }

  /** The numbers as float32, a copy: those of 16 bits without loss. */
  get floats(): Float32Array<ArrayBuffer> {
    const values = this.#values();
    if (this.dtype === "bfloat16") return fromBfloat16(values as Uint16Array);
    if (this.dtype === "float16") return Float32Array.from(values as Uint16Array, fromFloat16);
    return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>, Number);
  }

  /** The first number, of any type. */
  get first(): number {
    return /^b?float/.test(this.dtype) ? (this.floats[0] ?? Number.NaN) : Number(this.#values()[0]);
  }

  #values(): Values {
    const type = Object.hasOwn(TYPES, this.dtype) ? (TYPES[this.dtype] as string) : "";
    const values = type && valuesOf(type, this.#content());
    if (values) return values;
    throw new CheckpointError(`Array ${show(this.path)} holds no numbers that are known here, but ${this.dtype}.`);
  }

  /** A copy of the bytes. */
  #content(): Uint8Array<ArrayBuffer> {
    const layout = this.#layout;
    const length = sizeOf(this.shape) * this.#datatype.size;
    if (length === 0) return new Uint8Array(0);
    if (layout === "compressed") {
      throw new CheckpointError(`Array ${show(this.path)} is compressed; Keras stores arrays as they are.`);
    }
    if ("chunk" in layout) return this.#chunked(layout.tree, layout.chunk, length);
    const { at, size } = layout;
    if (at === undefined || size < length)
      throw new CheckpointError(`Array ${show(this.path)} is not all in the file.`);
    this.#bytes.check(at, length);
    return this.#bytes.all.slice(at, at + length);
  }

  #chunked(tree: number | undefined, chunk: readonly number[], length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    const { shape } = this;
    const { size: width } = this.#datatype;
    const content = new Uint8Array(length);
    const rank = shape.length;
    const chunkSize = sizeOf(chunk) * width;
    if (chunk.length !== rank || rank === 0 || chunk.includes(0) || tree === undefined)
      throw bytes.broken(`array ${show(this.path)} has no chunks`);
    // A tree may be as long as the array's chunks need: many arrays could share a longer one, and each would read it.
    let left = shape.reduce((count, size, axis) => count * Math.ceil(size / (chunk[axis] as number)), 1);
    let budget = 64 * (left + 1) * (16 + 8 * (rank + 1));
    const charge = (size: number) => {
      budget -= size;
      if (budget < 0) throw bytes.broken(`array ${show(this.path)} has more chunks than it needs`);
    };
    // The key of a chunk: its size in bytes, its filters, its position, and one 0 for the bytes of a number.
    bytes.walkTree(tree, 1, 8 + 8 * (rank + 1), charge, (at, key) => {
      left -= 1;
      if (left < 0) throw bytes.broken(`array ${show(this.path)} has more chunks than it needs`);
      if (bytes.u32(key) !== chunkSize) throw bytes.broken(`a chunk of ${show(this.path)} has ${bytes.u32(key)} bytes`);
      bytes.check(at, chunkSize);
      const begin = shape.map((_, axis) => bytes.offset(key + 8 + 8 * axis, Number.MAX_SAFE_INTEGER));
      const copy = (axis: number, from: number, to: number): void => {
        const count = Math.min(chunk[axis] as number, (shape[axis] as number) - (begin[axis] as number));
        if (axis === rank - 1) {
          const size = count * width;
          if (size > 0) content.set(bytes.all.subarray(from, from + size), (to + (begin[axis] as number)) * width);
          return;
        }
        const [step, row] = [sizeOf(chunk.slice(axis + 1)) * width, shape[axis + 1] as number];
        for (let i = 0; i < count; i++) copy(axis + 1, from + i * step, (to + (begin[axis] as number) + i) * row);
      };
      copy(0, at, 0);
    });
    return content;
  }
}
