// UTF-8 by what ECMAScript itself has: AudioWorklets and QuickJS have no TextEncoder.

/** Bytes that are turned into text at a time: few enough to be the arguments of one call. */
const CHUNK = 4096;

/** `text` in UTF-8. @throws {URIError} for a lone surrogate. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === "%") {
      bytes.push(Number.parseInt(escaped.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(escaped.charCodeAt(i));
  }
  return Uint8Array.from(bytes);
}

/** The text that `bytes` are in UTF-8. @throws {URIError} if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    chunks.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  const text = chunks.join("");
  // ASCII, as nearly always, is UTF-8 as it is.
  if (!/[^\0-\x7f]/.test(text)) return text;
  return decodeURIComponent(text.replace(/[^\w]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`));
}
