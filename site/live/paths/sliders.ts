// From a slider's position, 0 to 1000, to an option's value and back.

import { type NumberName, ranges } from "./settings.js";

export const POSITIONS = 1000;
/** Decades of 1 − value that a slider "near one" spans: 0, 0.9, 0.99, 0.999. */
const DECADES = 3;

export function toValue(name: NumberName, position: number): number {
  const { least, most, scale, canBeOff } = ranges[name];
  const share = position / POSITIONS;
  if (canBeOff && position === 0) return 0;
  if (scale === "linear") return Number((least + share * (most - least)).toFixed(2));
  if (scale === "logarithmic") return Number((least * (most / least) ** share).toPrecision(2));
  return Number((1 - 10 ** (-DECADES * share)).toFixed(2 + Math.floor(Math.min(share * DECADES, 2))));
}

export function toPosition(name: NumberName, value: number): number {
  const { least, most, scale, canBeOff } = ranges[name];
  if (canBeOff && value === 0) return 0;
  const share =
    scale === "linear"
      ? (value - least) / (most - least)
      : scale === "logarithmic"
        ? Math.log(value / least) / Math.log(most / least)
        : -Math.log10(1 - value) / DECADES;
  return Math.max(canBeOff ? 1 : 0, Math.min(POSITIONS, Math.round(POSITIONS * share)));
}

/** The value as the field beside the slider shows it. */
export function toText(name: NumberName, value: number): string {
  return value === 0 && ranges[name].canBeOff ? "off" : String(value);
}

/** What someone typed; NaN if it is no number. */
export function fromText(text: string): number {
  const word = text.trim().toLowerCase();
  if (word === "off") return 0;
  return word === "" ? Number.NaN : Number(word);
}
