// A loss surface as filled contours. The same shapes for the page, the thumbnails and pictures.

import { contours } from "d3-contour";
import type { Surface, View } from "./surfaces.js";

/** A closed line: corners from (0, 0) at the top left to (1, 1) at the bottom right. */
export type Ring = readonly (readonly [x: number, y: number])[];

/** The areas below each of some levels of loss, the highest level first. Levels are even in the logarithm: valleys show as well as walls. */
export function contoursOf(surface: Surface, view: View, columns: number, rows: number, levels: number): Ring[][] {
  const [x0, x1, y0, y1] = view;
  const scale = surface.loss(...surface.start) - surface.lowest;
  // One cell more on each side, so that lines end outside the picture.
  const heights: number[] = [];
  for (let j = -0.5; j < rows + 1; j++) {
    const y = y1 - (j / rows) * (y1 - y0);
    for (let i = -0.5; i < columns + 1; i++) {
      const x = x0 + (i / columns) * (x1 - x0);
      heights.push(-Math.log(1e-3 + (surface.loss(x, y) - surface.lowest) / scale));
    }
  }
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const height of heights) {
    low = Math.min(low, height);
    high = Math.max(high, height);
  }
  const thresholds = Array.from({ length: levels }, (_, k) => low + ((k + 0.6) / levels) * (high - low));
  const shapes = contours()
    .size([columns + 2, rows + 2])
    .thresholds(thresholds)(heights);
  return shapes.map(({ coordinates }) =>
    coordinates.flat().map((ring) => ring.map(([x, y]) => [(x! - 1) / columns, (y! - 1) / rows] as const)),
  );
}
