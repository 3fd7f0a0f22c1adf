/** What a replay reports: everything that is not equal, and where. */

import { isDeepStrictEqual } from "node:util";

export interface Mismatch {
  readonly where: string;
  readonly expected: string;
  readonly actual: string;
}

export class Mismatches {
  readonly list: Mismatch[] = [];

  /** Equal in every bit; objects also in the order of their keys, which makes their JSON text equal. */
  equal(where: string, actual: unknown, expected: unknown): void {
    const [actualText, expectedText] = [show(actual), show(expected)];
    if (isDeepStrictEqual(actual, expected) && actualText === expectedText) return;
    this.list.push({ where, expected: expectedText, actual: actualText });
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} ${Array.from(value as Float32Array).join(" ")}`;
  // JSON has no -0, NaN or Infinity: a mismatch must not read "0, expected 0".
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return JSON.stringify(value) ?? String(value);
}

/** A few lines for a failed test: the first mismatches, the first single elements, and how many there are in all. */
export function describe(subject: string, mismatches: readonly Mismatch[]): string {
  const elements = mismatches.filter(({ where }) => where.endsWith("]"));
  const lines = [...new Set([...mismatches.slice(0, 3), ...elements.slice(0, 3)])].map(
    ({ where, expected, actual }) => `  ${where}\n    expected ${shorten(expected)}\n    actual   ${shorten(actual)}`,
  );
  return [`${subject}: ${mismatches.length} mismatches`, ...lines].join("\n");
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
