// The data: from CSV text to examples, and which of them are held out for the test.

import { type Random, shuffled } from "./random.js";

export const PIXELS = 64;
export const DIGITS = 10;
const BRIGHTEST = 16;

/** A handwritten digit: 8 × 8 pixels from 0 to 1, and which digit it is. */
export interface Example {
  readonly pixels: Float32Array;
  readonly digit: number;
}

/** One example a line: 64 pixels from 0 to 16, then the digit. */
export function parseExamples(csv: string): Example[] {
  return csv
    .trim()
    .split("\n")
    .map((line, index) => {
      const numbers = line.split(",").map(Number);
      const pixels = numbers.slice(0, PIXELS);
      const digit = Number(numbers[PIXELS]);
      const valid = numbers.length === PIXELS + 1 && pixels.every((pixel) => pixel >= 0 && pixel <= BRIGHTEST);
      if (!valid || !Number.isInteger(digit) || digit < 0 || digit >= DIGITS) {
        throw new Error(
          `line ${index + 1} of the data is not ${PIXELS} pixels (0 to ${BRIGHTEST}) and a digit: ${line}`,
        );
      }
      return { pixels: Float32Array.from(pixels, (pixel) => pixel / BRIGHTEST), digit };
    });
}

/** Shuffles, then holds out every fifth example. (The file's own order is no help: neighbours are often 0, 1, 2, 3, …) */
export function split(examples: readonly Example[], random: Random): { training: Example[]; heldOut: Example[] } {
  const order = shuffled(examples, random);
  return { training: order.filter((_, i) => i % 5 !== 0), heldOut: order.filter((_, i) => i % 5 === 0) };
}
