// Loss or accuracy by epoch.

import { colour } from "../parts/colours.js";
import { part } from "../parts/dom.js";
import { fillTable, Plot } from "../parts/plot.js";

export interface CurveOptions {
  readonly name: "loss" | "accuracy";
  readonly title: string;
  readonly range: readonly [number, number];
  readonly isLogarithmic: boolean;
  readonly colour: string;
  readonly format: (value: number) => string;
}

export class Curve {
  readonly #root: HTMLElement;
  readonly #options: CurveOptions;
  readonly #epochs: number;
  #plot: Plot | undefined;
  #values: readonly number[] = [];

  constructor(root: HTMLElement, epochs: number, options: CurveOptions) {
    this.#root = root;
    this.#epochs = epochs;
    this.#options = options;
    this.create();
  }

  get #box(): HTMLElement {
    return part(this.#root, `${this.#options.name}-chart`);
  }

  /** Creates the plot; anew in another theme. */
  create(): void {
    const { title, range, isLogarithmic, format } = this.#options;
    this.#plot?.free();
    this.#plot = new Plot(this.#box, {
      lines: [{ label: title, colour: colour(this.#options.colour), width: 2, dash: [], hasDots: true }],
      x: [0, this.#epochs],
      y: range,
      logarithmicY: isLogarithmic,
      ...(!isLogarithmic && { format }),
    });
    this.show(this.#values);
  }

  /** One value an epoch, from the first on. */
  show(values: readonly number[]): void {
    const { range, isLogarithmic } = this.#options;
    this.#values = values;
    const drawn = values.map((value) => (isLogarithmic ? Math.max(value, range[0]) : value));
    this.#plot!.set(
      values.map((_, i) => i + 1),
      [drawn],
    );
  }

  fillTable(): void {
    const { name, title, format } = this.#options;
    const rows = this.#values.map((value, i) => [String(i + 1), format(value)]);
    fillTable(part(this.#root, `${name}-table`), ["Epoch", title], rows);
  }

  resize(): void {
    this.#plot?.resize(this.#box);
  }

  free(): void {
    this.#plot?.free();
    this.#plot = undefined;
  }
}
