// Numbers in the byte order of files.

/** Whether the host has the byte order of files. */
export const isLittleEndian: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Numbers of `width` bytes as they are in a file, or back: the bytes themselves, except on the rare big-endian host. */
export function swapped(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  if (isLittleEndian) return bytes;
  const copy = bytes.slice();
  for (let i = 0; i < copy.length; i += width) copy.subarray(i, i + width).reverse();
  return copy;
}
