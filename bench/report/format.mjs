// Numbers and tables as text.

/**
 * Three significant digits: 1.06, 12.3, 1,230.
 *
 * @param {number | null | undefined} number
 */
export function short(number) {
  if (number === undefined || number === null || Number.isNaN(number)) return "–";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number) || 1)));
  const factor = 10 ** (number >= 1000 ? 2 - Math.floor(Math.log10(number)) : 0);
  const rounded = number >= 1000 ? Math.round(number * factor) / factor : number;
  return rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * Nanoseconds with a unit that leaves at most three digits before the point.
 *
 * @param {number | undefined} nanoseconds
 */
export function time(nanoseconds) {
  if (nanoseconds === undefined) return "–";
  /** @type {[string, number][]} */
  const units = [
    ["s", 1e9],
    ["ms", 1e6],
    ["µs", 1e3],
    ["ns", 1],
  ];
  const [unit, size] = units.find(([, each]) => nanoseconds >= each) ?? ["ns", 1];
  return `${short(nanoseconds / size)} ${unit}`;
}

/**
 * A table in Markdown, its columns padded so that it reads as plain text too.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const cells = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (/** @type {readonly string[]} */ row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** @param {import("../types.js").Limit} limit */
export const limitOf = ({ atMost, atLeast, unit }) =>
  atMost !== undefined ? `≤ ${atMost} ${unit}` : `≥ ${atLeast} ${unit}`;
