// Words beside marks, pushed apart where marks meet.

export interface Label {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly colour: string;
}

const GAP = 14;
const LINE = 18;
const CLOSE = 120;

/** The labels with their places: right of the mark, or left of it at the edge; below one another where marks are close. */
export function placeLabels(
  labels: readonly Label[],
  widthOf: (text: string) => number,
  width: number,
  height: number,
  ratio: number,
): Label[] {
  const placed: Label[] = [];
  for (const label of [...labels].sort((a, b) => a.y - b.y)) {
    const length = widthOf(label.text);
    const isAtEdge = label.x + GAP * ratio + length > width - 4;
    const x = isAtEdge ? label.x - GAP * ratio - length : label.x + GAP * ratio;
    const above = placed.filter((other) => Math.abs(other.x - x) < CLOSE * ratio).map(({ y }) => y + LINE * ratio);
    const y = Math.max(label.y, 12 * ratio, ...above);
    placed.push({ ...label, x, y });
  }
  // A column that has run out of the picture moves up.
  const beyond = Math.max(0, ...placed.map(({ y }) => y - (height - 10 * ratio)));
  return beyond ? placed.map((label) => (label.y > height / 2 ? { ...label, y: label.y - beyond } : label)) : placed;
}
