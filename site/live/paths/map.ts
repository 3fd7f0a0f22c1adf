// The map: the ground, the paths so far and to come, a mark and a word for where each optimizer is.

import { colour } from "../parts/colours.js";
import { looks, markPath } from "../parts/looks.js";
import type { Experiment } from "./experiment.js";
import { drawGround } from "./ground.js";
import { type Label, placeLabels } from "./labels.js";
import type { OptimizerId } from "./settings.js";
import { fit, type View } from "./surfaces.js";

const COLUMNS = 150;
const LEVELS = 16;
/** Marks of those who are out stay this far from the edge. */
const INSET = 16;
/** Beyond this many pixels a line is not drawn: canvases overflow. */
const FAR = 1e5;

export class PathMap {
  readonly #ground: HTMLCanvasElement;
  readonly #paths: HTMLCanvasElement;
  #view: View = [0, 1, 0, 1];
  #ratio = 1;

  constructor(ground: HTMLCanvasElement, paths: HTMLCanvasElement) {
    this.#ground = ground;
    this.#paths = paths;
  }

  /** Fits the canvases to their box, and draws the ground. */
  drawGround({ surface }: Experiment): void {
    const box = this.#paths.parentElement!.getBoundingClientRect();
    this.#ratio = Math.min(2, devicePixelRatio || 1);
    for (const canvas of [this.#ground, this.#paths]) {
      canvas.width = Math.round(box.width * this.#ratio);
      canvas.height = Math.round(box.height * this.#ratio);
    }
    this.#view = fit(surface, this.#paths.width, this.#paths.height);
    drawGround(this.#ground, surface, COLUMNS, LEVELS);
  }

  /** Where a point is, as shares of the map's width and height. */
  shareOf(x: number, y: number): readonly [number, number] {
    const [x0, x1, y0, y1] = this.#view;
    return [(x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)];
  }

  /** The point at these shares of the map. */
  pointAt(across: number, down: number): readonly [number, number] {
    const [x0, x1, y0, y1] = this.#view;
    return [x0 + across * (x1 - x0), y1 - down * (y1 - y0)];
  }

  drawPaths(experiment: Experiment): void {
    const g = this.#paths.getContext("2d");
    if (!g) return;
    g.clearRect(0, 0, this.#paths.width, this.#paths.height);
    g.lineJoin = g.lineCap = "round";
    this.#drawMinima(g, experiment);
    const labels: Label[] = [];
    // Keras last: on top.
    for (const id of [...experiment.shown].reverse()) {
      this.#drawPath(g, experiment, id);
      labels.push(this.#drawMark(g, experiment, id));
    }
    this.#drawLabels(g, labels);
  }

  #pixel(x: number, y: number): readonly [number, number] {
    const [across, down] = this.shareOf(x, y);
    return [across * this.#paths.width, down * this.#paths.height];
  }

  #drawMinima(g: CanvasRenderingContext2D, { surface }: Experiment): void {
    const r = 5 * this.#ratio;
    g.setLineDash([]);
    g.strokeStyle = colour("ink");
    g.lineWidth = 1.8 * this.#ratio;
    for (const [x, y] of surface.minima) {
      const [px, py] = this.#pixel(x, y);
      g.stroke(new Path2D(`M${px - r} ${py - r}L${px + r} ${py + r}M${px + r} ${py - r}L${px - r} ${py + r}`));
    }
  }

  #trace(g: CanvasRenderingContext2D, points: Float32Array, from: number, to: number): void {
    g.beginPath();
    for (let step = from; step <= to; step++) {
      const [x, y] = this.#pixel(points[2 * step]!, points[2 * step + 1]!);
      if (!(Math.abs(x) < FAR && Math.abs(y) < FAR)) break;
      g.lineTo(x, y);
    }
  }

  #drawPath(g: CanvasRenderingContext2D, experiment: Experiment, id: OptimizerId): void {
    const { points, average } = experiment.runOf(id);
    const { step, settings } = experiment;
    const { width, dash } = looks[id];
    const ratio = this.#ratio;
    const stroke = (style: string, lineWidth: number, pattern: readonly number[], alpha = 1) => {
      g.strokeStyle = style;
      g.lineWidth = lineWidth * ratio;
      g.setLineDash(pattern.map((length) => length * ratio));
      g.globalAlpha = alpha;
      g.stroke();
      g.globalAlpha = 1;
    };
    this.#trace(g, points, step, settings.steps);
    stroke(colour(id), 1.4, [], 0.25); // what is to come
    this.#trace(g, points, 0, step);
    stroke(colour("paper"), width + 2.6, [], 0.85); // a casing, so that lines over lines stay apart
    stroke(colour(id), width, dash);
    if (!average) return;
    this.#trace(g, average, 0, step);
    stroke(colour("paper"), 5, []);
    stroke(colour(id), 2.6, [0.1, 6]);
  }

  #drawMark(g: CanvasRenderingContext2D, experiment: Experiment, id: OptimizerId): Label {
    const { points, lost } = experiment.runOf(id);
    const { mark, short } = looks[id];
    const { width, height } = this.#paths;
    const isLost = lost >= 0 && experiment.step >= lost;
    const shown = isLost ? Math.max(0, lost - 1) : experiment.step; // the last finite one
    const [rawX, rawY] = this.#pixel(points[2 * shown]!, points[2 * shown + 1]!);
    const isInside = rawX >= 0 && rawX <= width && rawY >= 0 && rawY <= height;
    const inset = INSET * this.#ratio;
    const x = Math.max(inset, Math.min(width - inset, rawX));
    const y = Math.max(inset, Math.min(height - inset, rawY));

    const isSolid = isInside && !isLost;
    g.save();
    g.translate(x, y);
    const shape = new Path2D(markPath(mark, 7 * this.#ratio));
    g.setLineDash([]);
    g.fillStyle = isSolid ? colour(id) : colour("paper");
    g.strokeStyle = isSolid ? colour("paper") : colour(id);
    g.lineWidth = 2.4 * this.#ratio;
    g.fill(shape);
    g.stroke(shape);
    g.restore();
    const text = !isInside ? `${short} is out` : isLost ? `${short}: NaN` : short;
    return { x, y, text, colour: colour(id) };
  }

  #drawLabels(g: CanvasRenderingContext2D, labels: readonly Label[]): void {
    const ratio = this.#ratio;
    g.setLineDash([]);
    g.font = `600 ${13 * ratio}px ${colour("sans")}`;
    g.textBaseline = "middle";
    g.lineWidth = 4.5 * ratio;
    g.strokeStyle = colour("paper");
    const widthOf = (text: string) => g.measureText(text).width;
    for (const { x, y, text, colour: style } of placeLabels(
      labels,
      widthOf,
      this.#paths.width,
      this.#paths.height,
      ratio,
    )) {
      g.strokeText(text, x, y);
      g.fillStyle = style;
      g.fillText(text, x, y);
    }
  }
}
