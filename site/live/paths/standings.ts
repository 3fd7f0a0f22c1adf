// The table of optimizers: which are shown, how far above the minimum each is, whether it has arrived.

import { part, setText } from "../parts/dom.js";
import { short } from "../parts/format.js";
import type { Experiment } from "./experiment.js";
import { type OptimizerId, optimizerIds } from "./settings.js";
import type { Status } from "./status.js";

const words: Record<Status["kind"], (since: number) => string> = {
  underway: () => "not yet",
  arrived: (since) => `step ${since}`,
  out: (since) => `out at ${since}`,
  nan: (since) => `NaN at ${since}`,
};

export class Standings {
  readonly #rows: ReadonlyMap<OptimizerId, HTMLElement>;

  constructor(root: HTMLElement, toggled: (id: OptimizerId, isShown: boolean) => void, signal: AbortSignal) {
    this.#rows = new Map(optimizerIds.map((id) => [id, part(root, `row-${id}`)]));
    for (const [id, row] of this.#rows) {
      const box = row.querySelector("input")!;
      box.addEventListener("change", () => toggled(id, box.checked), { signal });
    }
  }

  show(experiment: Experiment): void {
    for (const [id, row] of this.#rows) {
      const isShown = experiment.shown.includes(id);
      const { kind, since } = experiment.statusOf(id);
      row.querySelector("input")!.checked = isShown;
      row.classList.toggle("is-hidden", !isShown);
      row.classList.toggle("is-bad", kind === "out" || kind === "nan");
      setText(row.children[1]!, short(experiment.runOf(id).gaps[experiment.step]!));
      setText(row.children[2]!, words[kind](since));
    }
  }
}
