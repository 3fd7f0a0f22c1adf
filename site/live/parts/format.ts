// Numbers as people read them.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const MINUS = "−";

const superscript = (n: number) =>
  [...String(n)].map((sign) => (sign === "-" ? "⁻" : SUPERSCRIPTS[Number(sign)])).join("");

/** Two or three digits: 0.251, 5.4 · 10⁻⁵, NaN. */
export function short(x: number): string {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x < 0 ? `${MINUS}∞` : "∞";
  if (x === 0) return "0";
  if (Math.abs(x) >= 1e-3 && Math.abs(x) < 1e4) return minus(String(Number(x.toPrecision(3))));
  const [mantissa, exponent] = x.toExponential(1).split("e");
  return minus(`${mantissa} · 10${superscript(Number(exponent))}`);
}

/** A float32 with about seven digits. */
export function float32(x: number): string {
  if (Number.isNaN(x)) return "NaN";
  if (x === 0) return Object.is(x, -0) ? `${MINUS}0` : "0";
  return minus(Math.abs(x) >= 1e-4 && Math.abs(x) < 1e5 ? x.toFixed(6) : x.toExponential(4));
}

/** A power of ten as an axis labels it. */
export function power(x: number): string {
  const exponent = Math.round(Math.log10(x));
  return exponent >= -1 && exponent <= 1 ? String(10 ** exponent) : `10${superscript(exponent)}`;
}

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export const whole = (n: number) => Math.round(n).toLocaleString("en");

export const hex = (bits: number) => (bits >>> 0).toString(16).padStart(8, "0");

const minus = (text: string) => text.replace(/^-/, MINUS);
