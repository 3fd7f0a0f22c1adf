// The text in which the module is inlined into scripts: the inverse of ts/kernel/load-wasm-module.ts, which says why.
import { ALPHABET, SINGLE } from "../build/ts/kernel/load-wasm-module.js";

export function inlineText(bytes) {
  const characters = Array.from({ length: 256 }, (_, byte) => {
    if (byte < SINGLE) return ALPHABET[byte];
    const rest = byte - SINGLE;
    return ALPHABET[SINGLE + Math.floor(rest / ALPHABET.length)] + ALPHABET[rest % ALPHABET.length];
  });
  return Array.from(bytes, (byte) => characters[byte]).join("");
}
