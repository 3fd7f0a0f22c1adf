// Draws README's picture, light and dark, from a real run: docs/picture-light.svg and docs/picture-dark.svg.
//
//   npm run docs:picture
//
// RMSprop and gradient descent walk from the same start, beside the saddle of x²/2 - y²/2 + y⁴/4, at the same rate.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { RMSprop, Variable } from "rmsprop-wasm";
import { root } from "./tools.mjs";

const START = [-1.6, 1e-4];
const RATE = 0.02;
const STEPS = 120;
/** A path has arrived where it comes this close to a minimum, (0, 1) or (0, -1). */
const NEAR = 0.05;

const [WIDTH, HEIGHT, CENTER_X, UNIT] = [880, 420, -0.3, 158];
const X = (/** @type {number} */ x) => WIDTH / 2 + (x - CENTER_X) * UNIT;
const Y = (/** @type {number} */ y) => HEIGHT / 2 - y * UNIT;

/** Paper, ground, its lines, ink, and both paths: 4.5:1 or more on the paper, 3:1 on the darkest ground. */
const THEMES = {
  light: { paper: "#fbfaf7", low: "#c9d7e6", line: "#a9bcd1", ink: "#20262e", rmsprop: "#c8400a", descent: "#20262e" },
  dark: { paper: "#0f141b", low: "#26374d", line: "#3d526c", ink: "#e6eaf0", rmsprop: "#ff8a4c", descent: "#f3f4f6" },
};

/** @typedef {[x: number, y: number]} Point */

const gradient = (/** @type {Point} */ [x, y]) => /** @type {Point} */ ([x, y * y * y - y]);
const isNear = (/** @type {Point} */ [x, y]) => Math.hypot(x, Math.abs(y) - 1) < NEAR;

/** @returns {Point[]} */
function walkRMSprop() {
  const w = new Variable(START, { name: "w" });
  const optimizer = new RMSprop({ learningRate: RATE });
  optimizer.build([w]);
  const at = () => /** @type {Point} */ ([...w.value]);
  const path = [at()];
  for (let step = 0; step < STEPS; step++) {
    w.gradient.set(gradient(at()));
    optimizer.step();
    path.push(at());
  }
  optimizer.free();
  w.free();
  return path;
}

/** Plain gradient descent in float32, until it arrives. @returns {Point[]} */
function walkDescent() {
  const f = Math.fround;
  /** @type {Point[]} */
  const path = [[f(START[0]), f(START[1])]];
  while (!isNear(path[path.length - 1])) {
    const [x, y] = path[path.length - 1];
    const [gx, gy] = gradient([x, y]);
    path.push([f(x - f(f(gx) * f(RATE))), f(y - f(f(gy) * f(RATE)))]);
  }
  return path;
}

const short = (/** @type {number} */ n) => String(Math.round(n * 10) / 10);
const lines = (/** @type {Point[]} */ points) => points.map(([x, y]) => `${short(X(x))} ${short(Y(y))}`).join("L");

/**
 * The level line loss = c, exactly: x² = 2c + y² - y⁴/2. Below 0 it is an oval around each minimum, above one line
 * around both.
 */
function levelLine(/** @type {number} */ c) {
  const root = Math.sqrt(1 + 4 * c);
  const [from, to] = [c < 0 ? Math.sqrt(1 - root) : -Math.sqrt(1 + root), Math.sqrt(1 + root)];
  const right = Array.from({ length: 49 }, (_, i) => {
    const y = (from + to) / 2 - ((to - from) / 2) * Math.cos((i / 48) * Math.PI);
    return /** @type {Point} */ ([Math.sqrt(Math.max(0, 2 * c + y ** 2 - y ** 4 / 2)), y]);
  });
  const ring = [...right, ...right.map(([x, y]) => /** @type {Point} */ ([-x, y])).reverse()];
  const rings = c < 0 ? [ring, ring.map(([x, y]) => /** @type {Point} */ ([x, -y]))] : [ring];
  return rings.map((points) => `M${lines(points)}Z`).join("");
}

// Above the minimum, -1/4, in equal ratios: as many lines where the loss is small as where it is large.
const LEVELS = Array.from({ length: 12 }, (_, i) => 4.2 * 0.62 ** i - 0.25);

/** Both pictures by their file names. @returns {Record<string, string>} */
export function pictures() {
  const [rmsprop, descent] = [walkRMSprop(), walkDescent()];
  const arrival = rmsprop.findIndex(isNear);
  const [end, slow] = [rmsprop[STEPS], descent[STEPS]];
  const label = `From the same start beside a saddle and at the same learning rate, RMSprop reaches the minimum at step ${arrival}; gradient descent needs ${descent.length - 1} steps.`;
  const levels = LEVELS.map((c) => `<path d="${levelLine(c)}"/>`).join("");

  /** @param {(typeof THEMES)["light"]} theme */
  const draw = (theme) => {
    const text = (/** @type {Point} */ [x, y], /** @type {number} */ dx, fill = "", words = "") =>
      `<text x="${short(X(x) + dx)}" y="${short(Y(y) + 5)}" fill="${fill}" stroke="${theme.paper}"${dx < 0 ? ' text-anchor="end"' : ""}>${words}</text>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<style>text{font:600 15px ui-sans-serif,system-ui,sans-serif;paint-order:stroke;stroke-width:4px;stroke-linejoin:round}</style>
<clipPath id="edge"><rect width="${WIDTH}" height="${HEIGHT}" rx="10"/></clipPath>
<g clip-path="url(#edge)">
<rect width="${WIDTH}" height="${HEIGHT}" fill="${theme.paper}"/>
<g fill="${theme.low}" fill-opacity=".16" stroke="${theme.line}" stroke-width=".8" stroke-opacity=".8">${levels}</g>
<g fill="none" stroke-linejoin="round">
<path d="M${lines(descent.slice(0, STEPS + 1))}" stroke="${theme.descent}" stroke-width="2.2" stroke-dasharray="14 4 2 4"/>
<path d="M${lines(rmsprop)}" stroke="${theme.rmsprop}" stroke-width="3.4"/>
</g>
<circle cx="${short(X(START[0]))}" cy="${short(Y(START[1]))}" r="6.5" fill="${theme.paper}" stroke="${theme.ink}" stroke-width="2.5"/>
<circle cx="${short(X(end[0]))}" cy="${short(Y(end[1]))}" r="7" fill="${theme.rmsprop}"/>
<path d="M${short(X(slow[0]))} ${short(Y(slow[1]) - 8)}l8 14h-16z" fill="${theme.descent}"/>
${text(/** @type {Point} */ (START), -14, theme.ink, "start")}
${text(end, 16, theme.rmsprop, `RMSprop: there at step ${arrival}`)}
${text(slow, 16, theme.descent, `gradient descent at step ${STEPS}; it needs ${descent.length - 1}`)}
</g>
</svg>
`;
  };
  return Object.fromEntries(Object.entries(THEMES).map(([name, theme]) => [`docs/picture-${name}.svg`, draw(theme)]));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [file, svg] of Object.entries(pictures())) writeFileSync(join(root, file), svg);
}
