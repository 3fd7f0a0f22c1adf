// Plots as SVG: points and lines on two logarithmic axes. Plotting libraries need a document.

import { escaped, picture } from "../../scripts/line-plot.mjs";

/** @typedef {{ name: string, points: [x: number, y: number][], isDashed?: boolean }} Series */
/** @typedef {(number: number) => string} Tick */

const size = { width: 640, height: 400, left: 64, right: 176, top: 40, bottom: 48 };
/** 3:1 or more on the paper of both themes. */
const colours = [
  "var(--a)",
  "var(--ink)",
  "#3b82f6",
  "#0d9488",
  "#a855f7",
  "#b45309",
  "#db2777",
  "#6b7280",
  "#4d8a0b",
  "#7c6cf0",
];

/**
 * The powers of 10 around the numbers.
 *
 * @param {readonly number[]} numbers
 */
function decades(numbers) {
  const exponents = numbers.map(Math.log10);
  const low = Math.floor(Math.min(...exponents) + 1e-9);
  const high = Math.ceil(Math.max(...exponents) - 1e-9);
  return Array.from({ length: Math.max(1, high - low) + 1 }, (_, i) => 10 ** (low + i));
}

/**
 * Labels that would overlap, moved apart: downwards, and then upwards from `end`.
 *
 * @template {{ y: number }} Label
 * @param {Label[]} labels
 * @param {number} distance
 * @param {number} end
 */
function spread(labels, distance, end) {
  labels.sort((a, b) => a.y - b.y);
  for (const [i, label] of labels.entries()) label.y = Math.max(label.y, (labels[i - 1]?.y ?? -Infinity) + distance);
  let limit = end;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, limit);
    limit = label.y - distance;
  }
  return labels;
}

/**
 * `tickX` and `tickY` write a number of an axis.
 *
 * @param {{ title: string, x: string, y: string, series: readonly Series[], tickX?: Tick, tickY?: Tick }} drawing
 */
export function plot({ title, x, y, series, tickX = String, tickY = String }) {
  const { width, height, left, right, top, bottom } = size;
  const all = series.flatMap(({ points }) => points);
  const [across, up] = [decades(all.map(([at]) => at)), decades(all.map(([, at]) => at))];
  /**
   * @param {readonly number[]} ticks
   * @param {number} from
   * @param {number} to
   */
  const scale = (ticks, from, to) => {
    const [low, high] = [ticks[0], ticks[ticks.length - 1]].map(Math.log10);
    return (/** @type {number} */ number) => from + ((Math.log10(number) - low) / (high - low)) * (to - from);
  };
  const toX = scale(across, left, width - right);
  const toY = scale(up, height - bottom, top);
  const round = (/** @type {number} */ number) => Math.round(number * 10) / 10;

  const grid = [
    ...across.map((tick) => {
      const at = round(toX(tick));
      const label = `<text x="${at}" y="${height - bottom + 18}" text-anchor="middle">${tickX(tick)}</text>`;
      return `<line x1="${at}" x2="${at}" y1="${top}" y2="${height - bottom}"/>${label}`;
    }),
    ...up.map((tick) => {
      const at = round(toY(tick));
      const label = `<text x="${left - 8}" y="${at + 4}" text-anchor="end">${tickY(tick)}</text>`;
      return `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/>${label}`;
    }),
  ];
  const end = width - right;
  /** @type {{ name: string, colour: string, from: [number, number], y: number }[]} */
  const labels = [];
  const lines = series.map(({ name, points, isDashed = false }, i) => {
    const colour = colours[i % colours.length];
    const positions = points.map(([px, py]) => /** @type {[number, number]} */ ([round(toX(px)), round(toY(py))]));
    const last = positions[positions.length - 1];
    labels.push({ name, colour, from: last, y: last[1] });
    const dots = positions.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"/>`).join("");
    const dash = isDashed ? ' stroke-dasharray="6 3"' : "";
    return `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} points="${positions.join(" ")}"/>${dots}`;
  });
  const names = spread(labels, 16, height - bottom).map(
    ({ name, colour, from, y: at }) =>
      `<path d="M${from[0] + 5} ${from[1]}L${end + 4} ${round(at)}" stroke="${colour}" stroke-width=".7"/><text x="${end + 8}" y="${round(at) + 4}" fill="var(--ink)">${escaped(name)}</text>`,
  );
  const middle = (top + height - bottom) / 2;
  return picture({ title, width, height, fontSize: 12 }, [
    `<text x="${left}" y="22" font-size="14" fill="var(--ink)">${escaped(title)}</text>`,
    `<g stroke="var(--grid)">${grid.join("\n").replaceAll("<text", '<text stroke="none"')}</g>`,
    `<text x="${(left + end) / 2}" y="${height - 10}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="rotate(-90 16 ${middle})" x="16" y="${middle}" text-anchor="middle">${escaped(y)}</text>`,
    ...lines.toReversed(),
    ...names,
  ]);
}
