// Numbers in the byte order of files.

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Numbers of 4 bytes as they are in a file, or back; in place. */
export function swapped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (isLittleEndian) return bytes;
  for (let i = 0; i < bytes.length; i += 4) bytes.subarray(i, i + 4).reverse();
  return bytes;
}

/** A copy of the numbers as the bytes of a file. */
export function littleEndian(values: Float32Array | Int32Array): Uint8Array<ArrayBuffer> {
  return swapped(new Uint8Array(values.slice().buffer));
}
