// The loss after all steps at every learning rate: the same run 73 times for each optimizer, a few milliseconds at a time.

import { part, setText } from "../parts/dom.js";
import { power, short, whole } from "../parts/format.js";
import { looks } from "../parts/looks.js";
import { fillTable, Plot } from "../parts/plot.js";
import type { Experiment } from "./experiment.js";
import { drawn, FLOOR, highest, linesOf } from "./loss-chart.js";
import { finalGap } from "./run.js";
import { type OptimizerId, ranges } from "./settings.js";

const { least, most } = ranges.learningRate;
const COUNT = 73;
const rateAt = (share: number) => least * (most / least) ** share;
const rates = Array.from({ length: COUNT }, (_, i) => rateAt(i / (COUNT - 1)));

/** Coarse first: every eighth rate, then those between. */
const order = [8, 4, 2, 1].flatMap((stride) =>
  rates.map((_, i) => i).filter((i) => i % stride === 0 && (stride === 8 || i % (2 * stride) !== 0)),
);

const SLICE_MS = 6;
/** Between slices: while the page plays, frames come first. */
const PAUSE_MS = { playing: 24, resting: 0 };
/** A rate with a final loss below this one counts as good. */
const GOOD = 0.01;

type Gaps = (number | null | undefined)[];

export class RateChart {
  readonly #root: HTMLElement;
  readonly #box: HTMLElement;
  readonly #isPlaying: () => boolean;
  #plot: Plot | undefined;
  #gaps = new Map<OptimizerId, Gaps>();
  #scale = "";
  /** Of the sweep under way; older ones stop. */
  #sweep = 0;

  constructor(root: HTMLElement, isPlaying: () => boolean, chosen: (rate: number) => void, signal: AbortSignal) {
    this.#root = root;
    this.#box = part(root, "rate-chart");
    this.#isPlaying = isPlaying;
    const choose = (share: number) => {
      if (share >= 0 && share <= 1) chosen(Number(rateAt(share).toPrecision(2)));
    };
    this.#box.addEventListener("click", (event) => this.#plot && choose(this.#plot.shareOf(event)), { signal });
    signal.addEventListener("abort", () => {
      this.#sweep++;
      this.#plot?.free();
      this.#plot = undefined;
    });
  }

  /** Computes and draws anew. On the same scale the old lines stay until the new ones have replaced them. */
  draw(experiment: Experiment, isOtherTheme = false): void {
    const { shown, settings } = experiment;
    const top = highest(experiment);
    const scale = [settings.surface, settings.steps, top, ...shown].join();
    if (scale !== this.#scale || isOtherTheme) {
      if (scale !== this.#scale) this.#gaps = new Map(shown.map((id) => [id, new Array(COUNT)]));
      this.#scale = scale;
      this.#plot?.free();
      this.#plot = new Plot(this.#box, {
        lines: linesOf(shown),
        x: [least, most],
        y: [FLOOR, top],
        logarithmicX: true,
        logarithmicY: true,
      });
    }
    this.#plot!.set(rates, [...this.#gaps.values()]);
    this.#plot!.mark(settings.learningRate);
    this.#start(experiment);
  }

  resize(): void {
    this.#plot?.resize(this.#box);
  }

  #start({ settings, shown }: Experiment): void {
    const mine = ++this.#sweep;
    let next = 0;
    let spent = 0;
    const slice = () => {
      if (mine !== this.#sweep) return;
      const started = performance.now();
      while (next < order.length && performance.now() - started < SLICE_MS) {
        const i = order[next++]!;
        for (const id of shown) this.#gaps.get(id)![i] = drawn(finalGap(id, { ...settings, learningRate: rates[i]! }));
      }
      spent += performance.now() - started;
      this.#plot!.set(rates, [...this.#gaps.values()]);
      if (next < order.length) setTimeout(slice, this.#isPlaying() ? PAUSE_MS.playing : PAUSE_MS.resting);
      else this.#finish(shown, shown.length * COUNT * settings.steps, spent);
    };
    setTimeout(slice, 60);
  }

  #finish(shown: readonly OptimizerId[], steps: number, spent: number): void {
    setText(part(this.#root, "rate-note"), `${whole(steps)} steps in ${whole(spent)} ms · click to choose a rate`);
    setText(part(this.#root, "rate-text"), shown.map((id) => this.#window(id)).join(". "));
    const rows = rates.map((rate, i) => [
      short(rate),
      ...shown.map((id) => {
        const gap = this.#gaps.get(id)![i];
        return gap == null ? "not finite" : gap === FLOOR ? `at most ${power(FLOOR)}` : short(gap);
      }),
    ]);
    fillTable(part(this.#root, "rate-table"), ["Learning rate", ...shown.map((id) => looks[id].name)], rows);
  }

  #window(id: OptimizerId): string {
    const gaps = this.#gaps.get(id)!;
    const good = rates.filter((_, i) => (gaps[i] ?? Number.POSITIVE_INFINITY) < GOOD);
    const { name } = looks[id];
    if (good.length === 0) return `${name}: no rate ends below ${GOOD}`;
    return `${name}: rates from ${short(good[0]!)} to ${short(good.at(-1)!)} end below ${GOOD}`;
  }
}
