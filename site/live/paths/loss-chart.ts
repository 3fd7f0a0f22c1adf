// The loss above the minimum at every step, logarithmic.

import { colour } from "../parts/colours.js";
import { part } from "../parts/dom.js";
import { short } from "../parts/format.js";
import { looks } from "../parts/looks.js";
import { fillTable, type Line, Plot } from "../parts/plot.js";
import type { Experiment } from "./experiment.js";
import type { OptimizerId } from "./settings.js";

/** What is lower is drawn here. */
export const FLOOR = 1e-9;
const CEILING = 1e12;

/** A loss as the charts draw it: a gap where it is no number, or beyond any picture. */
export const drawn = (gap: number) => (gap < CEILING ? Math.max(gap, FLOOR) : null);

/** The power of ten above the loss at the start. */
export function highest(experiment: Experiment): number {
  return 10 ** Math.ceil(Math.log10(Math.max(experiment.runOf("keras").gaps[0]! * 3, 10 * FLOOR)));
}

export function linesOf(ids: readonly OptimizerId[]): Line[] {
  return ids.map((id) => {
    const { name, width, dash } = looks[id];
    return { label: name, colour: colour(id), width: width * 0.6, dash: dash.map((length) => length * 0.8) };
  });
}

export class LossChart {
  readonly #box: HTMLElement;
  readonly #table: HTMLTableElement;
  readonly #empty: HTMLElement;
  #plot: Plot | undefined;

  constructor(root: HTMLElement) {
    this.#box = part(root, "loss-chart");
    this.#table = part(root, "loss-table");
    this.#empty = part(root, "loss-empty");
  }

  /** Draws it anew: other runs, another choice, another theme. */
  draw(experiment: Experiment): void {
    const { shown, settings } = experiment;
    const steps = Array.from({ length: settings.steps + 1 }, (_, step) => step);
    const gaps = shown.map((id) => Array.from(experiment.runOf(id).gaps, drawn));
    const lowest = Math.min(1e-2, ...gaps.flat().map((gap) => gap ?? 1));
    this.#plot?.free();
    this.#plot = new Plot(this.#box, {
      lines: linesOf(shown),
      x: [0, settings.steps],
      y: [10 ** Math.floor(Math.log10(lowest)), highest(experiment)],
      logarithmicY: true,
    });
    this.#plot.set(steps, gaps);
    this.#plot.mark(experiment.step);
    this.#empty.hidden = gaps.some((line) => line.some((gap) => gap !== null));
  }

  mark(step: number): void {
    this.#plot?.mark(step);
  }

  fillTable(experiment: Experiment): void {
    const { shown, settings } = experiment;
    const rows = Array.from({ length: settings.steps + 1 }, (_, step) => [
      String(step),
      ...shown.map((id) => short(experiment.runOf(id).gaps[step]!)),
    ]);
    fillTable(this.#table, ["Step", ...shown.map((id) => looks[id].name)], rows);
  }

  resize(): void {
    this.#plot?.resize(this.#box);
  }

  free(): void {
    this.#plot?.free();
    this.#plot = undefined;
  }
}
