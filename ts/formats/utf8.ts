// UTF-8 by what ECMAScript itself has: AudioWorklets and QuickJS have no TextEncoder. Both directions are linear: headers of
// files from elsewhere can be long.

/** Code units that are turned into text at a time: few enough to be the arguments of one call. */
const CHUNK = 4096;

/** `text` in UTF-8. @throws {URIError} for a lone surrogate. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  // ASCII, as nearly always.
  if (!/[^\0-\x7f]/.test(text)) {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }
  const bytes = new Uint8Array(3 * text.length);
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff)
      throw new URIError("The text has a lone surrogate, which UTF-8 cannot write.");
    if (code < 0x80) bytes[end++] = code;
    else {
      const extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      bytes[end++] = ((0xff00 >> (extra + 1)) & 0xff) | (code >> (6 * extra));
      for (let shift = 6 * (extra - 1); shift >= 0; shift -= 6) bytes[end++] = 0x80 | ((code >> shift) & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/** The text that `bytes` are in UTF-8. @throws {URIError} if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  const chunks: string[] = [];
  const units = new Uint16Array(CHUNK + 1);
  let i = 0;
  const next = () => {
    const byte = bytes[i++];
    if (byte === undefined || byte >> 6 !== 0b10) throw new URIError("The bytes are not UTF-8.");
    return byte & 0x3f;
  };
  while (i < bytes.length) {
    const part = bytes.subarray(i, i + CHUNK);
    if (isAscii(part)) {
      chunks.push(textOf(part));
      i += part.length;
      continue;
    }
    let count = 0;
    while (i < bytes.length && count < CHUNK) {
      const first = bytes[i++] as number;
      if (first < 0x80) {
        units[count++] = first;
        continue;
      }
      const extra = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      if (extra === 0) throw new URIError("The bytes are not UTF-8.");
      let code = first & (0x3f >> extra);
      for (let k = 0; k < extra; k++) code = (code << 6) | next();
      // Not the shortest form, a surrogate, or beyond Unicode.
      const isWrong =
        extra === 2
          ? code < 0x800 || (code >= 0xd800 && code <= 0xdfff)
          : extra === 3 && (code < 0x10000 || code > 0x10ffff);
      if (isWrong) throw new URIError("The bytes are not UTF-8.");
      if (code > 0xffff) units[count++] = 0xd7c0 + (code >> 10);
      units[count++] = code > 0xffff ? 0xdc00 | (code & 0x3ff) : code;
    }
    chunks.push(textOf(units.subarray(0, count)));
  }
  return chunks.join("");
}

function isAscii(bytes: Uint8Array): boolean {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits |= bytes[i] as number;
  return bits < 0x80;
}

// `apply`, because engines copy what is spread into a list of its own: 4× slower.
const textOf = (units: Uint8Array | Uint16Array) => String.fromCharCode.apply(null, units as unknown as number[]);
