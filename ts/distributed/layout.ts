// How the arrays of all variables lie in one record: gradients (a mask of those that are there, then each), values (a
// description, then each), every array at a multiple of 4 bytes.

import { crc32 } from "../formats/crc32.js";
import { decodeUtf8, encodeUtf8 } from "../formats/utf8.js";
import { sizeOf } from "../support/size-of.js";

/** What a layout needs of a variable. */
export interface Described {
  readonly path: string;
  readonly shape: readonly number[];
  readonly gradientDtype: string;
}

/** A gradient's numbers; of 16 bits, their bits. */
export type GradientArray = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

const DTYPES = ["float32", "float16", "bfloat16"];
const aligned = (bytes: number) => Math.ceil(bytes / 4) * 4;

interface Slice {
  readonly path: string;
  readonly size: number;
  readonly array: typeof Float32Array | typeof Uint16Array;
  /** Where the gradient begins in its record. */
  readonly at: number;
}

export class Layout {
  /** CRC-32 of the description: records of another layout do not count. */
  readonly crc: number;
  /** Bytes of a record of gradients. */
  readonly gradientBytes: number;
  /** Bytes of a record of values. */
  readonly valueBytes: number;
  readonly #description: Uint8Array<ArrayBuffer>;
  readonly #slices: readonly Slice[];

  constructor(variables: readonly Described[], description: Uint8Array<ArrayBuffer> = describe(variables)) {
    this.#description = description;
    this.crc = crc32(description);
    let at = aligned(Math.ceil(variables.length / 8));
    let values = this.#valuesAt;
    this.#slices = variables.map(({ path, shape, gradientDtype }) => {
      const array = gradientDtype === "float32" ? Float32Array : Uint16Array;
      const size = sizeOf(shape);
      const slice = { path, size, array, at };
      at += aligned(size * array.BYTES_PER_ELEMENT);
      values += 4 * size;
      return slice;
    });
    this.gradientBytes = at;
    this.valueBytes = values;
  }

  get #valuesAt(): number {
    return aligned(4 + this.#description.length);
  }

  /** Writes the values into a record. */
  writeValues(record: Uint8Array<ArrayBuffer>, variables: readonly { readonly value: Float32Array }[]): void {
    new DataView(record.buffer, record.byteOffset).setUint32(0, this.#description.length, true);
    record.set(this.#description, 4);
    let at = this.#valuesAt;
    for (const { value } of variables) {
      record.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at);
      at += value.byteLength;
    }
  }

  /** Views on the values of a record, by path. */
  values(record: Uint8Array<ArrayBuffer>): Record<string, Float32Array<ArrayBuffer>> {
    let at = record.byteOffset + this.#valuesAt;
    return Object.fromEntries(
      this.#slices.map(({ path, size }) => {
        const view = new Float32Array(record.buffer, at, size);
        at += 4 * size;
        return [path, view];
      }),
    );
  }

  /** Views on the gradients of a record, by path. */
  gradients(record: Uint8Array<ArrayBuffer>): Record<string, GradientArray> {
    return Object.fromEntries(this.#slices.map((slice) => [slice.path, view(record, slice)]));
  }

  /**
   * Writes the mask of the gradients that are there. An array that replaced the one that was handed out is copied.
   *
   * @returns whether any is.
   */
  finish(record: Uint8Array<ArrayBuffer>, gradients: Readonly<Record<string, ArrayLike<number> | null>>): boolean {
    let any = false;
    this.#slices.forEach((slice, i) => {
      const { path, size } = slice;
      const [gradient, own] = [gradients[path], view(record, slice)];
      if (gradient === null) {
        own.fill(0);
        return;
      }
      if (gradient?.length !== size) {
        throw new RangeError(`The gradient of "${path}" must have ${size} numbers, or be null.`);
      }
      if ((gradient as GradientArray).buffer !== record.buffer) own.set(gradient);
      record[i >> 3] = (record[i >> 3] as number) | (1 << (i & 7));
      any = true;
    });
    return any;
  }

  /** The gradients of a record in the variables' order, `null` for what is not there; `undefined` if none is. */
  read(record: Uint8Array<ArrayBuffer>): (GradientArray | null)[] | undefined {
    const list = this.#slices.map((slice, i) =>
      ((record[i >> 3] as number) >> (i & 7)) & 1 ? view(record, slice) : null,
    );
    return list.some((gradient) => gradient !== null) ? list : undefined;
  }
}

/**
 * The layout that a record of values describes, or `undefined` if it is not one. `known` is taken if it is that one: to parse the
 * same text at every update would be waste.
 */
export function layoutOf(record: Uint8Array<ArrayBuffer>, known?: Layout): Layout | undefined {
  if (record.length < 4) return undefined;
  const length = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
  if (length > record.length - 4) return undefined;
  const description = record.subarray(4, 4 + length);
  if (known && known.valueBytes === record.length && known.crc === crc32(description)) return known;
  const variables = parsed(description);
  if (!variables) return undefined;
  const layout = new Layout(variables, description.slice());
  return layout.valueBytes === record.length ? layout : undefined;
}

const view = (record: Uint8Array<ArrayBuffer>, { array, at, size }: Slice): GradientArray =>
  new array(record.buffer, record.byteOffset + at, size);

const describe = (variables: readonly Described[]): Uint8Array<ArrayBuffer> =>
  encodeUtf8(JSON.stringify(variables.map(({ path, shape, gradientDtype }) => [path, shape, gradientDtype])));

/** What a description says, if it is one. */
function parsed(description: Uint8Array): Described[] | undefined {
  try {
    const list: unknown = JSON.parse(decodeUtf8(description));
    if (!Array.isArray(list)) return undefined;
    const variables = list.map(([path, shape, gradientDtype]) => ({ path, shape, gradientDtype }) as Described);
    const isCount = (length: unknown) => Number.isSafeInteger(length) && (length as number) >= 0;
    const fine = ({ path, shape, gradientDtype }: Described) =>
      typeof path === "string" && DTYPES.includes(gradientDtype) && Array.isArray(shape) && shape.every(isCount);
    return variables.every(fine) ? variables : undefined;
  } catch {
    return undefined;
  }
}
