// Values that no argument may be, for the tables of errors.

/** Throws whatever is done to show it. */
export class Unprintable {
  get [Symbol.toStringTag](): string {
    return never();
  }
  toString(): string {
    return never();
  }
  valueOf(): number {
    return never();
  }
}

export function never(): never {
  throw new EvalError("never");
}

/** An array whose memory was moved away. */
export function detached(length = 2): Float32Array {
  const array = new Float32Array(length);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** An array in memory that other threads can write to. */
export function shared(length = 2): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

/** An array that has shrunk. */
export function shrunk(length = 2): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(bytes: number): void };
  const buffer = new Resizable(4 * length, { maxByteLength: 4 * length });
  const array = new Float32Array(buffer);
  buffer.resize(4 * (length - 1));
  return array;
}

/** A typed array with an own `length`. */
export function lengthened(length: number, said: number): Float32Array {
  return Object.defineProperty(new Float32Array(length), "length", { value: said });
}

/** A typed array with the tag of another. */
export function tagged<A extends object>(array: A, tag: string): A {
  return Object.defineProperty(array, Symbol.toStringTag, { value: tag });
}

/** A view that has a length, as typed arrays have. */
export function dataView(length: number): DataView {
  return Object.assign(new DataView(new ArrayBuffer(4 * length)), { length });
}
