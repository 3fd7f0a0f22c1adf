// Turns the base64 text that @rollup/plugin-wasm inlines into a module. It takes the place of the plugin's own helper,
// which needs `atob`: AudioWorklets and QuickJS have none.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes that `base64` (padded, no white space) stands for. */
export function decode(base64: string): Uint8Array<ArrayBuffer> {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((base64.length / 4) * 3 - padding);
  const values = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  const value = (i: number) => values[base64.charCodeAt(i)] as number;
  for (let from = 0, to = 0; from < base64.length; from += 4, to += 3) {
    const bits = (value(from) << 18) | (value(from + 1) << 12) | (value(from + 2) << 6) | value(from + 3);
    // Writes past the end, where the padding was, are ignored.
    bytes[to] = bits >> 16;
    bytes[to + 1] = bits >> 8;
    bytes[to + 2] = bits;
  }
  return bytes;
}

/** Called by the code that @rollup/plugin-wasm generates, which fixes name and arguments. */
export function _loadWasmModule(_sync: number, _path: string | null, base64: string): WebAssembly.Module {
  return new WebAssembly.Module(decode(base64));
}
