// CRC-32 as in gzip and PNG: eight hexadecimal digits that tell two sets of parameters apart.
// (node:zlib has had one since Node 20.15 only, and other runtimes have none.)

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
});

/** The checksum of `bytes`, or of all bytes so far when the checksum of those before is passed in. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let remainder = ~before;
  for (const byte of bytes) remainder = (remainder >>> 8) ^ table[(remainder ^ byte) & 0xff]!;
  return ~remainder >>> 0;
}
