// The map's ground on a canvas.

import { colour } from "../parts/colours.js";
import { contoursOf } from "./contours.js";
import { fit, type Surface } from "./surfaces.js";

export function drawGround(canvas: HTMLCanvasElement, surface: Surface, columns: number, levels: number): void {
  const { width, height } = canvas;
  const g = canvas.getContext("2d");
  if (!g || width === 0 || height === 0) return;
  const [high, low] = [colour("ground-high"), colour("ground-low")];
  g.fillStyle = high;
  g.fillRect(0, 0, width, height);
  g.lineWidth = Math.max(0.6, width / 1500);
  g.strokeStyle = colour("ground-line");
  const shapes = contoursOf(
    surface,
    fit(surface, width, height),
    columns,
    Math.round((columns * height) / width),
    levels,
  );
  for (const [k, rings] of shapes.entries()) {
    g.beginPath();
    for (const ring of rings) {
      for (const [i, [x, y]] of ring.entries()) g[i ? "lineTo" : "moveTo"](x * width, y * height);
      g.closePath();
    }
    g.fillStyle = mix(high, low, ((k + 1) / levels) ** 0.9);
    g.fill();
    g.stroke();
  }
}

/** Between two colours written #rrggbb. */
function mix(from: string, to: string, share: number): string {
  const channel = (hex: string, i: number) => Number.parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  const channels = [0, 1, 2].map((i) => Math.round(channel(from, i) + (channel(to, i) - channel(from, i)) * share));
  return `rgb(${channels.join(" ")})`;
}
