// What a module's bytes are spent on: its functions by the crate and module that their names begin with, and the rest.
import { readFileSync } from "node:fs";

/**
 * Sizes by part, of a module that still has names.
 *
 * @param {URL} path
 */
export function moduleParts(path) {
  const bytes = readFileSync(path);
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return bytes.toString("utf8", at - length, at);
  };

  /** @type {number[]} */
  const sizes = [];
  /** @type {string[]} */
  const names = [];
  let data = 0;
  /** @type {Record<number, (end: number) => void>} */
  const readers = {
    0: (end) => {
      if (text() !== "name") return;
      while (at < end) {
        const [kind, length] = [bytes[at++], number()];
        const next = at + length;
        // The names of functions; there are no imports, so that function n is the one with code n.
        if (kind === 1) for (let count = number(); count > 0; count--) names[number()] = text();
        at = next;
      }
    },
    10: () => {
      for (let count = number(); count > 0; count--) {
        const size = number();
        sizes.push(size);
        at += size;
      }
    },
    11: (end) => {
      data = end - at;
    },
  };
  while (at < bytes.length) {
    const [kind, length] = [bytes[at++], number()];
    const end = at + length;
    readers[kind]?.(end);
    at = end;
  }

  const parts = new Map([["constants", data]]);
  for (const [i, size] of sizes.entries()) {
    // A function that is exported to the host has no path, but its bare name.
    const [crate = "", module] = names[i]?.match(/\w+(?=(\[\w+\])?::)/g) ?? [];
    const part = crate === "rmsprop" ? `rmsprop::${module}` : crate === "" ? "rmsprop::wasm" : crate;
    parts.set(part, (parts.get(part) ?? 0) + size);
  }
  return [...parts].sort(([, a], [, b]) => b - a);
}
