// What one can set on the page, its defaults, and the link that holds what differs from them.

import { type SurfaceId, surfaceIds, surfaces } from "./surfaces.js";

export const optimizerIds = ["keras", "torch", "tfjs", "descent"] as const;
export type OptimizerId = (typeof optimizerIds)[number];

export interface Settings {
  readonly surface: SurfaceId;
  readonly start: readonly [number, number];
  readonly steps: number;
  readonly learningRate: number;
  readonly cosine: boolean;
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;
  /** 0: off, as for the two below. */
  readonly weightDecay: number;
  readonly clipnorm: number;
  readonly ema: number;
  readonly hidden: readonly OptimizerId[];
}

export const STEPS = { least: 50, most: 4000 } as const;

export const defaults: Settings = {
  surface: "saddle",
  start: surfaces.saddle.start as readonly [number, number],
  steps: 600,
  learningRate: 0.02,
  cosine: false,
  rho: 0.9,
  momentum: 0,
  epsilon: 1e-7,
  centered: false,
  weightDecay: 0,
  clipnorm: 0,
  ema: 0,
  hidden: ["tfjs"],
};

/** The defaults with `changes`; on another surface, from that surface's start. */
export function settingsWith(changes: Partial<Settings>): Settings {
  const surface = changes.surface ?? defaults.surface;
  return { ...defaults, start: [...surfaces[surface].start], ...changes };
}

interface Range {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  /** How a slider's way is divided: evenly, by factors, or by factors of 1 − value. */
  readonly scale: "linear" | "logarithmic" | "near one";
  /** Whether 0 means that the option is not used. */
  readonly canBeOff: boolean;
}

export const ranges = {
  learningRate: { label: "Learning rate", least: 1e-4, most: 1, scale: "logarithmic", canBeOff: false },
  rho: { label: "rho", least: 0, most: 0.999, scale: "near one", canBeOff: false },
  momentum: { label: "Momentum", least: 0, most: 0.99, scale: "linear", canBeOff: true },
  epsilon: { label: "Epsilon", least: 1e-10, most: 1, scale: "logarithmic", canBeOff: false },
  weightDecay: { label: "Weight decay", least: 1e-3, most: 10, scale: "logarithmic", canBeOff: true },
  clipnorm: { label: "Clipnorm", least: 0.01, most: 100, scale: "logarithmic", canBeOff: true },
  ema: { label: "EMA", least: 0, most: 0.999, scale: "near one", canBeOff: true },
} as const satisfies Record<string, Range>;

export type NumberName = keyof typeof ranges;
export const numberNames = Object.keys(ranges) as NumberName[];

/** Whether an option takes this number. */
export function isAllowed(name: NumberName, value: number): boolean {
  const { least, most, canBeOff } = ranges[name] as Range;
  return (value >= least && value <= most) || (canBeOff && value === 0);
}

/** What differs from the defaults, as the part of an address behind #. */
export function toHash(settings: Settings): string {
  const query = new URLSearchParams();
  const usual = settingsWith({ surface: settings.surface });
  for (const key of Object.keys(defaults) as (keyof Settings)[]) {
    const text = String(settings[key]);
    const isDefault = key === "surface" ? text === defaults.surface : text === String(usual[key]);
    if (!isDefault) query.set(key, text);
  }
  return query.toString().replaceAll("%2C", ",");
}

/** What a link says. Whatever is not understood keeps its default: no link is an error. */
export function fromHash(hash: string): Settings {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (name: string) => (query.get(name)?.trim() ? Number(query.get(name)) : Number.NaN);
  const changes: { -readonly [Name in keyof Settings]?: Settings[Name] } = {};

  const surface = surfaceIds.find((id) => id === query.get("surface"));
  if (surface) changes.surface = surface;
  const [x, y, ...more] = (query.get("start") ?? "")
    .split(",")
    .map((text) => (text.trim() ? Number(text) : Number.NaN));
  if (more.length === 0 && Math.abs(x ?? Number.NaN) < 100 && Math.abs(y ?? Number.NaN) < 100) changes.start = [x!, y!];
  for (const name of numberNames) if (isAllowed(name, number(name))) changes[name] = number(name);
  const steps = number("steps");
  if (Number.isInteger(steps) && steps >= STEPS.least && steps <= STEPS.most) changes.steps = steps;
  if (query.get("cosine") === "true") changes.cosine = true;
  if (query.get("centered") === "true") changes.centered = true;
  const hidden = query.get("hidden")?.split(",");
  if (hidden) changes.hidden = optimizerIds.filter((id) => hidden.includes(id));
  return settingsWith(changes);
}
