// Turns the text in which a module's bytes are inlined into a module. It replaces the helper of
// @rollup/plugin-wasm, which needs `atob`: AudioWorklets and QuickJS have none.
//
// The text has one character for each of the bytes that this module is mostly made of. Base64 cuts across bytes, which
// hides their repetitions from gzip.

/** Printable ASCII, without what ends a string or could end a script. */
export const ALPHABET = " !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";

/**
 * Number of characters that stand for one byte each: the bytes with which the text begins, in this order. All other bytes, and
 * these at the beginning, are written as two digits; the remaining three characters are the first digits of the others.
 */
export const SINGLE = 86;

/** The bytes that `text` stands for; scripts/inline-text.mjs is the inverse. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const base = ALPHABET.length;
  const digits = new Uint8Array(128);
  for (let i = 0; i < base; i++) digits[ALPHABET.charCodeAt(i)] = i;
  const digit = (i: number) => digits[text.charCodeAt(i)] as number;
  /** By character: its byte, or as a first digit 256 more than it is worth. */
  const meanings = new Uint16Array(128);
  for (let i = 0; i < base; i++) {
    meanings[ALPHABET.charCodeAt(i)] = i < SINGLE ? digit(2 * i) * base + digit(2 * i + 1) : 256 + (i - SINGLE) * base;
  }
  // This loop runs once, so it is never compiled well: it must read nothing but local variables.
  const { length } = text;
  const bytes = new Uint8Array(length);
  let count = 0;
  for (let i = 2 * SINGLE; i < length; i++) {
    let byte = meanings[text.charCodeAt(i)] as number;
    if (byte > 255) byte += digits[text.charCodeAt(++i)] as number;
    bytes[count++] = byte;
  }
  return bytes.subarray(0, count);
}

/** Called by the code that @rollup/plugin-wasm generates, which fixes name and arguments. */
export function _loadWasmModule(_sync: number, _path: string | null, text: string): WebAssembly.Module {
  return new WebAssembly.Module(decode(text));
}
