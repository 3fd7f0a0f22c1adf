// What the page shows: four runs under the same settings, and Keras' optimizer itself standing at the step shown.

import { createKeras, type PackageWalker } from "./optimizers.js";
import { advance, type Run, run } from "./run.js";
import { type OptimizerId, optimizerIds, type Settings } from "./settings.js";
import { leavesAt, type Status, statusAt } from "./status.js";
import { type Surface, surfaces } from "./surfaces.js";

export class Experiment {
  #settings: Settings;
  #runs!: Record<OptimizerId, Run>;
  #left!: Record<OptimizerId, number>;
  #live: PackageWalker | undefined;
  #liveStep = 0;
  #step = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#compute();
  }

  get settings(): Settings {
    return this.#settings;
  }

  get surface(): Surface {
    return surfaces[this.#settings.surface];
  }

  /** Those that are not hidden. */
  get shown(): readonly OptimizerId[] {
    return optimizerIds.filter((id) => !this.#settings.hidden.includes(id));
  }

  get step(): number {
    return this.#step;
  }

  get live(): PackageWalker {
    return this.#live!;
  }

  runOf(id: OptimizerId): Run {
    return this.#runs[id];
  }

  statusOf(id: OptimizerId): Status {
    return statusAt(this.#runs[id], this.#left[id], this.#step);
  }

  /** Other settings: everyone runs anew, and the step stays. */
  change(settings: Settings): void {
    this.#settings = settings;
    this.#compute();
  }

  /** Goes to a step. Backwards is from the start again: what is shown is always what the optimizer holds. */
  seek(step: number): void {
    this.#step = Math.max(0, Math.min(this.#settings.steps, Math.round(step)));
    if (!this.#live || this.#step < this.#liveStep) {
      this.#live?.free();
      this.#live = createKeras(this.#settings);
      this.#liveStep = 0;
    }
    for (; this.#liveStep < this.#step; this.#liveStep++) advance(this.#live, this.surface, this.#liveStep);
  }

  free(): void {
    this.#live?.free();
    this.#live = undefined;
  }

  #compute(): void {
    const all = <Value>(of: (id: OptimizerId) => Value) =>
      Object.fromEntries(optimizerIds.map((id) => [id, of(id)])) as Record<OptimizerId, Value>;
    this.#runs = all((id) => run(id, this.#settings));
    this.#left = all((id) => leavesAt(this.#runs[id], this.#settings));
    this.free();
    this.seek(this.#step);
  }
}
