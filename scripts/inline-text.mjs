// The text in which the module is inlined into scripts: the inverse of ts/kernel/load-wasm-module.ts, which says why.
import { ALPHABET, SINGLE } from "../build/ts/kernel/load-wasm-module.js";

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function inlineText(bytes) {
  /** @type {number[]} */
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  const frequent = [...counts.keys()].sort((a, b) => counts[b] - counts[a]).slice(0, SINGLE);
  /**
   * A byte as two characters.
   *
   * @param {number} byte
   * @param {string} first The characters that can come first.
   */
  const number = (byte, first) => first[Math.floor(byte / ALPHABET.length)] + ALPHABET[byte % ALPHABET.length];
  const firstDigits = ALPHABET.slice(SINGLE);
  const characters = counts.map((_, byte) => {
    const rank = frequent.indexOf(byte);
    return rank < 0 ? number(byte, firstDigits) : ALPHABET[rank];
  });
  const table = frequent.map((byte) => number(byte, ALPHABET));
  return [...table, ...Array.from(bytes, (byte) => characters[byte])].join("");
}
