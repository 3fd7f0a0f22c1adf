// Plots as SVG: points and lines on two logarithmic axes. Plotting libraries need a document.

/** @typedef {{ name: string, points: [x: number, y: number][] }} Series */
/** @typedef {(number: number) => string} Tick */

const size = { width: 760, height: 420, left: 84, right: 190, top: 44, bottom: 52 };
const colours = [
  "#d1495b",
  "#30638e",
  "#edae49",
  "#3c8d5a",
  "#7a5195",
  "#8d6a3c",
  "#00798c",
  "#888888",
  "#c06ad0",
  "#4a4a4a",
  "#9bb525",
  "#e07a3f",
  "#1f4e9b",
];
/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

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
 * Labels that would overlap, moved apart from top to bottom.
 *
 * @param {{ name: string, colour: string, y: number }[]} labels
 * @param {number} distance
 */
function spread(labels, distance) {
  let last = Number.NEGATIVE_INFINITY;
  for (const label of labels.sort((a, b) => a.y - b.y)) {
    label.y = Math.max(label.y, last + distance);
    last = label.y;
  }
  return labels;
}

/**
 * `tickX` and `tickY` write a number of an axis. Colours follow the reader's scheme where
 * the picture is shown by itself; the background is white, because a picture in a page does not know the page's.
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
  /** @type {Parameters<typeof spread>[0]} */
  const labels = [];
  const lines = series.map(({ name, points }, i) => {
    const colour = colours[i % colours.length];
    const positions = points.map(([px, py]) => [round(toX(px)), round(toY(py))]);
    labels.push({ name, colour, y: positions[positions.length - 1][1] });
    const dots = positions.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"/>`).join("");
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${positions.join(" ")}"/>${dots}`;
  });
  const names = spread(labels, 15).map(
    ({ name, colour, y: at }) =>
      `<text x="${width - right + 10}" y="${round(at) + 4}" fill="${colour}">${escaped(name)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="24" font-size="15" fill="#222">${escaped(title)}</text>
<g stroke="#ddd" fill="#444"><g stroke-width="1">${grid.join("\n").replaceAll("<text", '<text stroke="none"')}</g></g>
<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle" fill="#444">${escaped(x)}</text>
<text transform="rotate(-90 18 ${(top + height - bottom) / 2})" x="18" y="${(top + height - bottom) / 2}" text-anchor="middle" fill="#444">${escaped(y)}</text>
${lines.join("\n")}
${names.join("\n")}
</svg>
`;
}
