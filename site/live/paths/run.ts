// A whole run at once: a step takes less than a microsecond, so nothing needs to wait for it.

import { crc32 } from "../../../examples/digits/crc32.js";
import { normals } from "./noise.js";
import { createWalker, type PackageWalker, type Walker } from "./optimizers.js";
import { type OptimizerId, type Settings, STEPS } from "./settings.js";
import { distance, type Surface, surfaces } from "./surfaces.js";

/** Nearer than this to a minimum: arrived. */
const NEAR = 0.05;
/** Farther than this from it: gone again, a mere pass. */
const GONE = 0.2;

export interface Run {
  /** x and y of the start and of each step, in turn. */
  readonly points: Float32Array;
  /** The same of the moving average of the weights; `null` if it is off. */
  readonly average: Float32Array | null;
  /** The loss above the lowest, at each point. */
  readonly gaps: Float64Array;
  /** The first step whose weights are not finite; -1 if all are. */
  readonly lost: number;
  /** The step at which it arrived at a minimum, to stay; -1 if it did not. */
  readonly arrived: number;
}

const noises = normals(2 * STEPS.most, 1);

/** One step: the gradient where the walker stands, with the noise of that step. */
export function advance(walker: Walker, surface: Surface, step: number): void {
  const [x, y] = [walker.weights[0]!, walker.weights[1]!];
  const [gx, gy] = surface.gradient(x, y);
  const [nx, ny] = surface.noise;
  walker.step(nx ? gx + nx * noises[2 * step]! : gx, ny ? gy + ny * noises[2 * step + 1]! : gy);
}

export function run(id: OptimizerId, settings: Settings): Run {
  const surface: Surface = surfaces[settings.surface];
  const walker = createWalker(id, settings);
  const points = new Float32Array(2 * settings.steps + 2);
  const gaps = new Float64Array(settings.steps + 1);
  const keepsAverage = (walker as Partial<PackageWalker>).average != null;
  const average = keepsAverage ? new Float32Array(points.length) : null;
  let lost = -1;
  let arrived = -1;
  for (let step = 0; step <= settings.steps; step++) {
    const [x, y] = [walker.weights[0]!, walker.weights[1]!];
    points.set([x, y], 2 * step);
    average?.set(step === 0 ? [x, y] : (walker as PackageWalker).average!, 2 * step);
    gaps[step] = surface.loss(x, y) - surface.lowest;
    if (lost < 0 && !(Number.isFinite(x) && Number.isFinite(y))) lost = step;
    const away = distance(surface, x, y);
    if (arrived < 0 && away < NEAR) arrived = step;
    if (!(away < GONE)) arrived = -1;
    if (step < settings.steps) advance(walker, surface, step);
  }
  walker.free();
  return { points, average, gaps, lost, arrived };
}

/** The loss above the lowest after all steps. */
export function finalGap(id: OptimizerId, settings: Settings): number {
  const surface: Surface = surfaces[settings.surface];
  const walker = createWalker(id, settings);
  for (let step = 0; step < settings.steps; step++) advance(walker, surface, step);
  const gap = surface.loss(walker.weights[0]!, walker.weights[1]!) - surface.lowest;
  walker.free();
  return gap;
}

/** CRC-32 of a run's points: eight hexadecimal digits that tell two paths apart by any bit. */
export function checksum({ points }: Run): string {
  return crc32(new Uint8Array(points.buffer)).toString(16).padStart(8, "0");
}
