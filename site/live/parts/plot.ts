// uPlot as this page uses it: the page's colours, logarithmic axes in powers of ten, and a table for those who cannot see it.

import "./language.js";
import uPlot from "uplot";
import { colour } from "./colours.js";
import { create } from "./dom.js";
import { power } from "./format.js";

export type Points = readonly (number | null | undefined)[];

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly width: number;
  readonly dash: readonly number[];
  /** Whether each value has a dot too. */
  readonly hasDots?: boolean;
}

export interface PlotOptions {
  readonly lines: readonly Line[];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly logarithmicX?: boolean;
  readonly logarithmicY?: boolean;
  /** How a value of y is labelled, if it is no power of ten. */
  readonly format?: (value: number) => string;
}

export class Plot {
  readonly #plot: uPlot;
  readonly #now = create("i", { className: "plot-now", hidden: true });

  constructor(element: HTMLElement, options: PlotOptions) {
    const { lines, x, y, logarithmicX = false, logarithmicY = false, format } = options;
    this.#plot = new uPlot(
      {
        width: element.clientWidth,
        height: element.clientHeight,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 14, 0, 0],
        scales: {
          x: { time: false, distr: logarithmicX ? 3 : 1, range: [...x] },
          y: { distr: logarithmicY ? 3 : 1, range: [...y] },
        },
        axes: [axis(30, logarithmicX), axis(46, logarithmicY, format)],
        series: [{}, ...lines.map(series)],
      },
      [[], ...lines.map(() => [])],
      element,
    );
    this.#plot.over.append(this.#now);
  }

  set(x: readonly number[], lines: readonly Points[]): void {
    this.#plot.setData([x, ...lines] as unknown as uPlot.AlignedData);
  }

  /** A vertical line at x. An element, so that it moves without the chart being drawn again. */
  mark(x: number): void {
    this.#now.hidden = false;
    this.#now.style.transform = `translateX(${this.#plot.valToPos(x, "x")}px)`;
  }

  /** Where an event lies on the x axis, from 0 to 1. */
  shareOf(event: MouseEvent): number {
    const box = this.#plot.over.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  }

  resize(element: HTMLElement): void {
    this.#plot.setSize({ width: element.clientWidth, height: element.clientHeight });
  }

  free(): void {
    this.#plot.destroy();
  }
}

function series({ label, colour: stroke, width, dash, hasDots = false }: Line): uPlot.Series {
  return { label, stroke, width, dash: [...dash], points: { show: hasDots, size: 5, fill: stroke }, spanGaps: false };
}

function axis(size: number, isLogarithmic: boolean, format?: (value: number) => string): uPlot.Axis {
  return {
    size,
    stroke: colour("soft"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: `12px ${colour("sans")}`,
    ...(isLogarithmic && {
      splits: (plot, i) => powersOfTen(plot.scales[i === 0 ? "x" : "y"]!),
      filter: (_, values) => values,
      values: (_, values) => values.map(power),
    }),
    ...(format && { values: (_, values) => values.map(format) }),
  };
}

/** At most six powers of ten. */
function powersOfTen({ min, max }: uPlot.Scale): number[] {
  const [from, to] = [Math.ceil(Math.log10(min!) - 1e-9), Math.floor(Math.log10(max!) + 1e-9)];
  const every = Math.ceil((to - from + 1) / 6);
  const found: number[] = [];
  for (let exponent = to; exponent >= from; exponent -= every) found.unshift(10 ** exponent);
  return found;
}

/** Fills the table beside a chart: at most 25 rows, since it is read aloud. */
export function fillTable(
  table: HTMLTableElement,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const every = Math.ceil(rows.length / 25);
  const cells = (name: "th" | "td", texts: readonly string[]) =>
    texts.map((text) => create(name, { textContent: text }));
  const headRow = create("tr", {}, ...head.map((text) => create("th", { scope: "col", textContent: text })));
  const body = rows
    .filter((_, i) => i % every === 0)
    .map((texts) =>
      create("tr", {}, create("th", { scope: "row", textContent: texts[0]! }), ...cells("td", texts.slice(1))),
    );
  table.tHead!.replaceChildren(headRow);
  table.tBodies[0]!.replaceChildren(...body);
}
