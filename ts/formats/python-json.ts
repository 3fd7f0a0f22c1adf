// JSON as Python's `json` writes it: with `NaN`, `Infinity` and `-Infinity`, which JSON itself does not have.

/** Texts that stand for those numbers while the JSON is parsed. */
const MARK = "\u0000number:";

/** What the text says. @throws {SyntaxError} if it is no JSON, not even Python's. */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(marked(text), (_, value: unknown) =>
      typeof value === "string" && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value,
    );
  }
}

/** The text with those numbers as strings, outside of strings. */
function marked(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const begin = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, begin).replace(/-?Infinity|NaN/g, (number) => JSON.stringify(MARK + number)));
    let end = begin + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    parts.push(text.slice(begin, end + 1));
    at = end + 1;
  }
  return parts.join("");
}
