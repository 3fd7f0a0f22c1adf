// Turns the text in which a module's bytes are inlined into a module. It takes the place of the helper of
// @rollup/plugin-wasm, which needs `atob`: AudioWorklets and QuickJS have none.
//
// The text has one character for each of the bytes that modules are mostly made of. Base64 cuts across bytes, which
// hides their repetitions: gzip makes 1.3 times as much of it as of the module, but no more of this text.

/** Printable ASCII, without what ends a string or could end a script. */
export const ALPHABET: string = /* @__PURE__ */ Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  .join("")
  .replace(/["'`\\$<]/g, "");

/** Bytes below this are the character of that number; the others are two: a character from this number on, and another. */
export const SINGLE: number = /* @__PURE__ */ ALPHABET.length - 2;

/** The bytes that `text` stands for; scripts/inline-text.mjs is the inverse. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const numbers = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) numbers[ALPHABET.charCodeAt(i)] = i;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = numbers[text.charCodeAt(i)] as number;
    if (byte >= SINGLE) {
      byte = SINGLE + (byte - SINGLE) * ALPHABET.length + (numbers[text.charCodeAt(++i)] as number);
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** Called by the code that @rollup/plugin-wasm generates, which fixes name and arguments. */
export function _loadWasmModule(_sync: number, _path: string | null, text: string): WebAssembly.Module {
  return new WebAssembly.Module(decode(text));
}
