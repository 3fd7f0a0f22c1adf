// How an optimizer stands at a step: underway, arrived, out of the picture, or no longer a number.

import type { Run } from "./run.js";
import type { Settings } from "./settings.js";
import { fit, surfaces } from "./surfaces.js";

export interface Status {
  readonly kind: "underway" | "arrived" | "out" | "nan";
  /** Since which step; -1 while underway. */
  readonly since: number;
}

export function statusAt(run: Run, leftAt: number, step: number): Status {
  const isNan = run.lost >= 0 && step >= run.lost;
  const isOut = leftAt >= 0 && step >= leftAt;
  if (isNan && !(isOut && leftAt < run.lost)) return { kind: "nan", since: run.lost };
  if (isOut) return { kind: "out", since: leftAt };
  if (run.arrived >= 0 && step >= run.arrived) return { kind: "arrived", since: run.arrived };
  return { kind: "underway", since: -1 };
}

/** The first step at which a run is farther out than three pictures; -1 if it never is. */
export function leavesAt({ points }: Run, settings: Settings): number {
  const [x0, x1, y0, y1] = fit(surfaces[settings.surface], 8, 5);
  const [width, height] = [x1 - x0, y1 - y0];
  for (let step = 0; step <= settings.steps; step++) {
    const [x, y] = [points[2 * step]!, points[2 * step + 1]!];
    const isNear = x > x0 - width && x < x1 + width && y > y0 - height && y < y1 + height;
    if (!isNear) return step;
  }
  return -1;
}
