// A report as text: `key: value`, lists as lines below their key.

/** Control characters, which a terminal obeys, and those that turn the direction of a line. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A text that may be of a stranger, for a terminal; JSON stays the same JSON. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** @param report of numbers, texts, lists and objects of those. */
export function written(report: object): string {
  return `${lines(report, "").join("\n")}\n`;
}

function lines(value: object, indent: string): string[] {
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const begin = `${indent}${isList ? "-" : `${printable(key)}:`}`;
    const text = isList && isRow(item) ? row(item) : flat(item);
    return text === undefined ? [begin, ...lines(item as object, `${indent}  `)] : [`${begin} ${text}`];
  });
}

/** What fits behind a key: a number, a text, or a list of those. */
function flat(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return value === "" ? '""' : printable(String(value));
  if (Object.keys(value).length === 0) return Array.isArray(value) ? "[]" : "none";
  const isFlat = Array.isArray(value) && value.every((item) => typeof item !== "object");
  return isFlat ? printable(`[${value.join(", ")}]`) : undefined;
}

/** Whether it is an object whose values are all of that kind. */
const isRow = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.values(value).every((item) => flat(item) !== undefined);

/** The object in a line, its first value without the key. */
const row = (value: object): string =>
  Object.entries(value)
    .map(([key, item], i) => (i === 0 ? flat(item) : `${key} ${flat(item)}`))
    .join(", ");
