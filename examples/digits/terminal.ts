// What a person sees while it trains: a bar that is redrawn in place or, where the output is no terminal, plain lines;
// and at the end the curve of the loss.

import type { WriteStream } from "node:tty";
import plot from "simple-ascii-chart";

const CYAN = "\x1b[36m";
const DEFAULT_COLOR = "\x1b[39m";
const CLEAR_LINE = "\r\x1b[2K";

export class Display {
  readonly #stream: WriteStream;
  readonly #redraws: boolean;
  readonly #colored: boolean;
  readonly #width: number;

  constructor(stream: WriteStream, plain: boolean) {
    this.#stream = stream;
    this.#redraws = stream.isTTY && !plain;
    this.#colored = this.#redraws && stream.hasColors(); // knows NO_COLOR, and terminals without colors
    this.#width = Math.min(stream.columns || 80, 100); // 0 or undefined where there is no window
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  /** Shows that `done` of `total` is done: on a terminal each time, in plain lines about ten times. */
  progress(done: number, total: number, text: string): void {
    if (!this.#redraws) {
      if (done === total || done % Math.ceil(total / 10) === 0) this.line(text);
      return;
    }
    const length = Math.max(this.#width - text.length - 2, 0);
    const filled = Math.round((length * done) / total);
    const bar = this.#color("━".repeat(filled)) + " ".repeat(length - filled);
    this.#stream.write(`${CLEAR_LINE}${bar} ${text.slice(0, this.#width - 2)}${done === total ? "\n" : ""}`);
  }

  /** Draws `values` over 1, 2, 3, … on a logarithmic scale. */
  curve(title: string, values: readonly number[]): void {
    const count = values.length;
    const points = values
      .map((value, i): [number, number] => [i + 1, Math.log10(value)])
      .filter(([, y]) => Number.isFinite(y));
    if (points.length < 2) return;
    const heights = points.map(([, y]) => y);
    const lowest = Math.min(...heights);
    const highest = Math.max(...heights);
    const powers = Array.from({ length: Math.floor(highest) - Math.floor(lowest) }, (_, i) => Math.floor(highest) - i);
    const chart = plot(points, {
      title,
      width: this.#width - 12,
      height: 10,
      customXAxisTicks: [1, ...[0.25, 0.5, 0.75, 1].map((part) => Math.ceil(part * count))],
      customYAxisTicks: [lowest, ...powers, highest],
      formatter: (value, { axis }) => (axis === "y" ? (10 ** value).toPrecision(2) : value),
      ...(this.#colored && { color: "ansiCyan" }),
    });
    this.line(chart);
  }

  #color(text: string): string {
    return this.#colored ? CYAN + text + DEFAULT_COLOR : text;
  }
}
