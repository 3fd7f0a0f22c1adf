// A small line plot as SVG, for the pages of the guide. Plotting libraries need a document.
//
// It shows itself in the reader's scheme where it is a picture; the site puts it into the page, in the page's colours.

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {readonly (readonly [x: number, y: number])[]} points
 *
 * @typedef {object} Drawing
 * @property {string} title What it shows, for those who cannot see it.
 * @property {string} x
 * @property {string} y
 * @property {readonly Line[]} lines At most three; they differ in colour and in dashes.
 * @property {boolean} [logarithmic] The axis of y.
 */

const [WIDTH, HEIGHT] = [400, 230];
const [LEFT, RIGHT, TOP, BOTTOM] = [62, 22, 34, 40];

/** Colours where it is a picture: for lines the one that is recommended, the other, a third. */
const STYLE = `<style>
svg { color-scheme: light dark; --ink: #20262e; --soft: #525b66; --grid: #dcdfe3; --paper: #fbfaf7; --a: #c8400a; --b: #2463eb; --c: #8b1a8f }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6eaf0; --soft: #9aa6b5; --grid: #29323e; --paper: #0f141b; --a: #ff8a4c; --b: #7ab8ff; --c: #f0abfc }
}
</style>`;
const COLOURS = ["var(--a)", "var(--b)", "var(--c)"];
const DASHES = ["none", "6 3", "2 3"];

export const escaped = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const short = (/** @type {number} */ n) => String(Math.round(n * 10) / 10);

/** Numbers for an axis: powers of ten, or 1, 2 or 5 times one. */
function ticksOf(/** @type {number} */ low, /** @type {number} */ high, /** @type {boolean} */ logarithmic) {
  if (logarithmic) {
    const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const every = Math.ceil((to - from) / 5);
    return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => 10 ** (from + i * every));
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  return Array.from({ length: Math.ceil((high - low) / step - 1e-6) + 1 }, (_, i) => low + i * step);
}

const superscript = (/** @type {number} */ n) =>
  String(n)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]);

/** @param {number} number @param {boolean} [logarithmic] */
const label = (number, logarithmic = false) =>
  logarithmic && (number < 0.01 || number > 1000)
    ? `10${superscript(Math.round(Math.log10(number)))}`
    : Number(number.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 6 });

/**
 * A picture of these elements on paper: by its class and its style the site knows what it may draw in the page's colours.
 *
 * @param {{ title: string, width: number, height: number, fontSize: number }} how
 * @param {readonly string[]} elements
 */
export const picture = ({ title, width, height, fontSize }, elements) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${fontSize}" fill="var(--soft)" role="img" class="line-plot">
<title>${escaped(title)}</title>
${STYLE}
<rect width="${width}" height="${height}" fill="var(--paper)"/>
${elements.join("\n")}
</svg>
`;

/** @param {Drawing} drawing */
export function linePlot({ title, x, y, lines, logarithmic = false }) {
  const all = lines.flatMap(({ points }) => points);
  const xs = ticksOf(0, Math.max(...all.map(([at]) => at)), false);
  const values = all.map(([, at]) => at);
  const ys = ticksOf(logarithmic ? Math.min(...values) : 0, Math.max(...values), logarithmic);
  const value = logarithmic ? Math.log10 : (/** @type {number} */ n) => n;
  const [bottom, top] = [value(ys[0]), value(ys[ys.length - 1])];
  const toX = (/** @type {number} */ n) => LEFT + (n / xs[xs.length - 1]) * (WIDTH - LEFT - RIGHT);
  const toY = (/** @type {number} */ n) =>
    HEIGHT - BOTTOM - ((value(n) - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);

  const across = xs.map(
    (at) => `<text x="${short(toX(at))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${label(at)}</text>`,
  );
  const up = ys.map((at) => {
    const y = short(toY(at));
    return `<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="var(--grid)"/><text x="${LEFT - 6}" y="${short(toY(at) + 4)}" text-anchor="end">${label(at, logarithmic)}</text>`;
  });
  let from = LEFT;
  const drawn = lines.map(({ name, points }, i) => {
    const stroke = `stroke="${COLOURS[i]}" stroke-width="2" stroke-dasharray="${DASHES[i]}"`;
    const path = points.map(([px, py]) => `${short(toX(px))} ${short(toY(py))}`).join("L");
    const key = `<path d="M${from} 18h22" ${stroke}/><text x="${from + 28}" y="22" fill="var(--ink)">${escaped(name)}</text>`;
    from += 44 + Math.ceil(name.length * 6.8);
    return `<path d="M${path}" fill="none" stroke-linejoin="round" ${stroke}/>${lines.length > 1 ? key : ""}`;
  });
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  return picture({ title, width: WIDTH, height: HEIGHT, fontSize: 12.5 }, [
    ...up,
    ...across,
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${escaped(x)}</text>`,
    `<text transform="rotate(-90 13 ${middle})" x="13" y="${middle}" text-anchor="middle">${escaped(y)}</text>`,
    ...drawn,
  ]);
}
