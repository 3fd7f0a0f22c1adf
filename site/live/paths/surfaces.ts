// Loss surfaces over two numbers. Losses and gradients are made of + − × alone, so that every engine computes the same bits.

export interface Surface {
  readonly name: string;
  readonly loss: (x: number, y: number) => number;
  readonly gradient: (x: number, y: number) => readonly [number, number];
  readonly minima: readonly (readonly [number, number])[];
  /** The loss at the minima. */
  readonly lowest: number;
  readonly start: readonly [number, number];
  /** What the map must show: x from, x to, y from, y to. */
  readonly view: View;
  /** Standard deviation of the noise in each element of the gradient; 0 without noise. */
  readonly noise: readonly [number, number];
}

export type View = readonly [x0: number, x1: number, y0: number, y1: number];

const NO_NOISE = [0, 0] as const;

export const surfaces = {
  saddle: {
    name: "Saddle",
    loss: (x, y) => (x * x) / 2 - (y * y) / 2 + (y * y * y * y) / 4,
    gradient: (x, y) => [x, y * y * y - y],
    minima: [
      [0, 1],
      [0, -1],
    ],
    lowest: -0.25,
    start: [-1.6, 0.0001],
    view: [-1.9, 1.1, -1.3, 1.3],
    noise: NO_NOISE,
  },
  rosenbrock: {
    name: "Rosenbrock",
    loss: (x, y) => (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x),
    gradient: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    minima: [[1, 1]],
    lowest: 0,
    start: [-1.2, 1.6],
    view: [-1.9, 1.9, -0.6, 2.3],
    noise: NO_NOISE,
  },
  beale: {
    name: "Beale",
    loss: (x, y) => {
      const [a, b, c] = bealeTerms(x, y);
      return a * a + b * b + c * c;
    },
    gradient: (x, y) => {
      const [a, b, c] = bealeTerms(x, y);
      return [
        2 * a * (y - 1) + 2 * b * (y * y - 1) + 2 * c * (y * y * y - 1),
        2 * a * x + 4 * b * x * y + 6 * c * x * y * y,
      ];
    },
    minima: [[3, 0.5]],
    lowest: 0,
    start: [1.2, -0.8],
    view: [-0.1, 3.7, -1.1, 1.4],
    noise: NO_NOISE,
  },
  himmelblau: {
    name: "Himmelblau",
    loss: (x, y) => (x * x + y - 11) * (x * x + y - 11) + (x + y * y - 7) * (x + y * y - 7),
    gradient: (x, y) => [
      4 * x * (x * x + y - 11) + 2 * (x + y * y - 7),
      2 * (x * x + y - 11) + 4 * y * (x + y * y - 7),
    ],
    minima: [
      [3, 2],
      [-2.805118, 3.131312],
      [-3.77931, -3.283186],
      [3.584428, -1.848126],
    ],
    lowest: 0,
    start: [-0.5, -0.8],
    view: [-5.4, 5.4, -4.9, 4.9],
    noise: NO_NOISE,
  },
  bowl: {
    name: "Noisy bowl",
    loss: (x, y) => (x * x + 20 * y * y) / 2,
    gradient: (x, y) => [x, 20 * y],
    minima: [[0, 0]],
    lowest: 0,
    start: [-1.7, 0.85],
    view: [-2, 0.9, -1.1, 1.1],
    noise: [0.6, 2.4],
  },
} satisfies Record<string, Surface>;

export type SurfaceId = keyof typeof surfaces;

export const surfaceIds = Object.keys(surfaces) as SurfaceId[];

/** The surface's view widened to the shape of the map, so that one unit is as long in x as in y. */
export function fit({ view: [x0, x1, y0, y1] }: Surface, width: number, height: number): View {
  const wider = Math.max(0, ((y1 - y0) * width) / height - (x1 - x0)) / 2;
  const higher = Math.max(0, ((x1 - x0) * height) / width - (y1 - y0)) / 2;
  return [x0 - wider, x1 + wider, y0 - higher, y1 + higher];
}

/** The distance to the nearest minimum. */
export function distance({ minima }: Surface, x: number, y: number): number {
  return Math.min(...minima.map(([mx, my]) => Math.sqrt((x - mx) * (x - mx) + (y - my) * (y - my))));
}

function bealeTerms(x: number, y: number): readonly [number, number, number] {
  return [1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y];
}
