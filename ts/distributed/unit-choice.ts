// Which units of a window a replica computes where nobody hands units out. A window is like the one before, so the log has told who
// computes what: whoever computed the unit at an index of the last window computes that of the next, at once. All others follow from
// that without a message: a unit whose owner has an earlier one to do is free, and after `patience` every unit is. What two compute
// at the same time is computed twice, and the log chooses.

import type { Position } from "./frame.js";
import { randomId } from "./host.js";

/** A window as far as the log is known here. */
interface Window {
  readonly base: Position;
  /** Its first unit. */
  readonly first: number;
  /** Units that the log has no gradient of. */
  readonly missing: readonly number[];
  /** Milliseconds since the last gradient that counted. */
  readonly idle: number;
}

/** Hexadecimal digits of an attempt that name its process. */
const NAME = 16;

export class UnitChoice {
  readonly #patience: number;
  readonly #self = randomId().slice(0, NAME);
  /** Who computed the last unit at each index of a window. */
  readonly #owners: string[] = [];
  #base: Position = "";
  /** Units chosen at this base, each with the idle time after which it may be chosen again. */
  readonly #chosen = new Map<number, number>();

  /** @param patience milliseconds without a gradient after which a unit is anybody's. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** A new name for an attempt of this process. */
  attempt(): string {
    return this.#self + randomId().slice(NAME);
  }

  /** The log has chosen an attempt at the unit at this index of its window. */
  taken(index: number, attempt: string): void {
    this.#owners[index] = attempt.slice(0, NAME);
  }

  /** The unit to compute now, if there is one. */
  next({ base, first, missing, idle }: Window): number | undefined {
    if (base !== this.#base) this.#chosen.clear();
    this.#base = base;
    const ownerOf = (unit: number) => this.#owners[unit - first];
    const busy = new Set<string>();
    const free = missing.filter((unit) => {
      const owner = ownerOf(unit);
      if (idle < (this.#chosen.get(unit) ?? 0)) return false;
      if (owner === undefined || owner === this.#self || busy.has(owner)) return true;
      busy.add(owner);
      return idle >= this.#patience;
    });
    const unit = free.find((unit) => ownerOf(unit) === this.#self) ?? free[Math.floor(Math.random() * free.length)];
    if (unit !== undefined) this.#chosen.set(unit, idle + this.#patience);
    return unit;
  }
}
