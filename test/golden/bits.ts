/** Float32 values as the vectors write them: hexadecimal bits, base64, CRC-32, and one NaN for all. */

import { crc32 } from "node:zlib";

/** One array's bits, every NaN as 0x7fc00000: which NaN an operation makes is not defined in WebAssembly. */
export function canonicalBits(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.length);
  new Float32Array(bits.buffer).set(values);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & 0x7fffffff) > 0x7f800000) bits[i] = 0x7fc00000;
  }
  return bits;
}

/** CRC-32 over the concatenated little-endian bytes of the arrays. */
export function crcOf(arrays: Iterable<Float32Array>): string {
  let crc = 0;
  for (const values of arrays) {
    // Node's crc32 forgets the value so far when it is given no bytes.
    if (values.length > 0) crc = crc32(new Uint8Array(canonicalBits(values).buffer), crc);
  }
  return hex(crc);
}

export function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, "0");
}

/** Bits of a number that is a float32 already: one that is not has no bits to compare. */
export function bitsOf(value: number): string {
  const values = Float32Array.of(value);
  if (!Object.is(values[0], value)) return `${value}, which is not a float32`;
  return hex(canonicalBits(values)[0]!);
}

export function fromBits(text: string): number {
  return new Float32Array(Uint32Array.of(Number.parseInt(text, 16)).buffer)[0]!;
}

export function encode(values: Float32Array): string {
  return Buffer.from(canonicalBits(values).buffer).toString("base64");
}

export function decodeFloats(base64: string): Float32Array {
  return new Float32Array(decode(base64));
}

export function decodeInts(base64: string): Int32Array {
  return new Int32Array(decode(base64));
}

function decode(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, "base64")).buffer;
}
