// The map as an SVG, from a real run: what the live page and the home page show until their script is there.

import { looks, markPath } from "./live/parts/looks.js";
import { contoursOf } from "./live/paths/contours.js";
import { run } from "./live/paths/run.js";
import { type OptimizerId, type Settings, settingsWith } from "./live/paths/settings.js";
import { fit, surfaces } from "./live/paths/surfaces.js";

const [WIDTH, HEIGHT] = [800, 500];
const LEVELS = 16;
const COLUMNS = 110;

export interface Palette {
  readonly [name: string]: string;
}

export function picture(palette: Palette): string {
  const settings = settingsWith({});
  const surface = surfaces[settings.surface];
  const view = fit(surface, WIDTH, HEIGHT);
  const areas = contoursOf(surface, view, COLUMNS, Math.round((COLUMNS * HEIGHT) / WIDTH), LEVELS).map((rings) =>
    rings.map((ring) => `M${ring.map(([x, y]) => `${short(x * WIDTH)} ${short(y * HEIGHT)}`).join("L")}Z`).join(""),
  );
  const pixel = (x: number, y: number) =>
    [((x - view[0]) / (view[1] - view[0])) * WIDTH, ((view[3] - y) / (view[3] - view[2])) * HEIGHT] as const;
  const [startX, startY] = pixel(...settings.start);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${palette["ground-high"]}"/>`,
    `<g fill="${palette["ground-low"]}" fill-opacity=".12" stroke="${palette["ground-line"]}" stroke-width=".8">`,
    ...areas.map((area) => `<path d="${area}"/>`),
    "</g>",
    walk("descent", settings, palette, pixel),
    walk("keras", settings, palette, pixel),
    `<circle cx="${short(startX)}" cy="${short(startY)}" r="8" fill="${palette["paper"]}" stroke="${palette["ink"]}" stroke-width="2.5"/>`,
    "</svg>",
  ].join("\n");
}

/** The first 130 steps: RMSprop is there, gradient descent is not. */
function walk(
  id: OptimizerId,
  settings: Settings,
  palette: Palette,
  pixel: (x: number, y: number) => readonly [number, number],
): string {
  const STEPS = 130;
  const { points } = run(id, settings);
  const corners = Array.from({ length: STEPS + 1 }, (_, step) => pixel(points[2 * step]!, points[2 * step + 1]!));
  const line = `M${corners.map(([x, y]) => `${short(x)} ${short(y)}`).join("L")}`;
  const { width, dash, mark } = looks[id];
  const [x, y] = corners.at(-1)!;
  return [
    `<path d="${line}" fill="none" stroke="${palette[id]}" stroke-width="${width}" stroke-dasharray="${dash.join(" ") || "none"}"/>`,
    `<path d="${markPath(mark, 7)}" transform="translate(${short(x)} ${short(y)})" fill="${palette[id]}" stroke="${palette["paper"]}" stroke-width="2"/>`,
  ].join("");
}

const short = (n: number) => String(Math.round(n * 10) / 10);
