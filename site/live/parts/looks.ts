// How each optimizer looks, everywhere: colour, dash, mark and name, so that none of them alone must tell it.

import type { OptimizerId } from "../paths/settings.js";

export type Mark = "circle" | "square" | "diamond" | "triangle";

export interface Look {
  readonly name: string;
  readonly short: string;
  readonly dash: readonly number[];
  readonly width: number;
  readonly mark: Mark;
}

export const looks: Record<OptimizerId, Look> = {
  keras: { name: "Keras RMSprop", short: "Keras", dash: [], width: 3.2, mark: "circle" },
  torch: { name: "PyTorch RMSprop", short: "PyTorch", dash: [9, 6], width: 2.4, mark: "square" },
  tfjs: { name: "tfjs RMSprop", short: "tfjs", dash: [2, 5], width: 3, mark: "diamond" },
  descent: { name: "Gradient descent", short: "descent", dash: [14, 4, 2, 4], width: 2, mark: "triangle" },
};

/** A mark's outline as SVG path data, around (0, 0), for a radius. */
export function markPath(mark: Mark, r: number): string {
  const p = (n: number) => Math.round(n * r * 100) / 100;
  switch (mark) {
    case "circle":
      return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
    case "square":
      return `M${p(-0.9)} ${p(-0.9)}h${p(1.8)}v${p(1.8)}h${p(-1.8)}z`;
    case "diamond":
      return `M0 ${p(-1.25)}L${p(1.25)} 0L0 ${p(1.25)}L${p(-1.25)} 0z`;
    case "triangle":
      return `M0 ${p(-1.2)}L${p(1.15)} ${p(0.9)}L${p(-1.15)} ${p(0.9)}z`;
  }
}
