// The text in which the module is inlined into scripts: the inverse of ts/kernel/load-wasm-module.ts, which says why.
import { ALPHABET, SINGLE } from "../build/ts/kernel/load-wasm-module.js";

export function inlineText(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  const frequent = [...counts.keys()].sort((a, b) => counts[b] - counts[a]).slice(0, SINGLE);
  const number = (byte, first) => first[Math.floor(byte / ALPHABET.length)] + ALPHABET[byte % ALPHABET.length];
  const firstDigits = ALPHABET.slice(SINGLE);
  const characters = counts.map((_, byte) => {
    const place = frequent.indexOf(byte);
    return place < 0 ? number(byte, firstDigits) : ALPHABET[place];
  });
  const table = frequent.map((byte) => number(byte, ALPHABET));
  return [...table, ...Array.from(bytes, (byte) => characters[byte])].join("");
}
