// Numbers of 16 bits by their definition (IEEE 754, 3.4), and a Float16Array also where the engine has none.

export type HalfDtype = "float16" | "bfloat16";

/** The number of these bits. */
export function widen(dtype: HalfDtype, bits: number): number {
  const fractionBits = dtype === "float16" ? 10 : 7;
  const largest = 2 ** (15 - fractionBits) - 1;
  const bias = (largest - 1) / 2;
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> fractionBits) & largest;
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
  if (exponent === largest) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

/** The bits of the number of this type that is next to `x`, or next but one: of finite numbers within the range. */
export function narrow(dtype: HalfDtype, x: number): number {
  const magnitude = Math.abs(x);
  // Numbers grow with their bits.
  let [low, high] = [0, dtype === "float16" ? 0x7bff : 0x7f7f];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (widen(dtype, middle) <= magnitude) low = middle;
    else high = middle - 1;
  }
  return x < 0 ? low | 0x8000 : low;
}

/** What a test needs of a Float16Array: to be made, with these bits, and seen as numbers. */
type Float16Class = new (bits: ArrayBuffer, byteOffset?: number, length?: number) => ArrayLike<number>;

/** A Float16Array as far as it can be known without its numbers: elements of 16 bits, and the name. */
class StandIn extends Uint16Array<ArrayBuffer> {
  override get [Symbol.toStringTag](): never {
    return "Float16Array" as never;
  }
}

/** The engine's Float16Array, or a stand-in; test/runtime/suite.js looks at the real one in the engines that have it. */
export const Float16: Float16Class = (globalThis as { Float16Array?: Float16Class }).Float16Array ?? StandIn;
