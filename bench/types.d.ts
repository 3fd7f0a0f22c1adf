// What the files of the benchmark hand to each other.

import type { Contestant } from "./process.mjs";
import type { configurations, regimes, workloads } from "./workloads.mjs";

export type Workload = `${keyof typeof workloads}`;
export type Configuration = keyof typeof configurations;
type Regime = keyof typeof regimes;

/** Who meets whom over what. An entry is a contestant, or with a slash the workload or regime that the match leaves open. */
export interface Match {
  readonly name: string;
  readonly configuration: Configuration;
  readonly workload?: Workload;
  readonly regime?: Regime;
  /** Parameters of one tensor, instead of a workload. */
  readonly size?: number;
  readonly entries: readonly string[];
}

/** How long is measured: rounds, slices of a round, milliseconds of a slice and of warming up. */
export interface Effort {
  readonly rounds: number;
  readonly slices: number;
  readonly slice: number;
  readonly warm: number;
}

/** An entry of a match with all that it needs. */
export interface Resolved {
  readonly key: string;
  readonly contestant: Contestant;
  readonly sizes: string;
  readonly regime: string;
  readonly options: readonly string[];
  /** Whether its values are compared. */
  readonly computes: boolean;
}

/** An entry that was measured. */
export interface Measured {
  readonly key: string;
  /** From the first entry, relative to the farthest way that a value went. */
  difference?: number;
  /** Per step: one number per round. */
  readonly nanoseconds: number[];
}

export interface MeasuredMatch extends Omit<Match, "entries"> {
  readonly entries: readonly Measured[];
}

export interface Limit {
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly unit?: string;
  readonly because?: string;
}

export interface RatioGoal extends Limit {
  readonly over: string;
  readonly under: string;
  readonly workloads: readonly Workload[];
  readonly configurations: readonly Configuration[];
}

export interface RegimeGoal extends Limit {
  readonly regime: Regime;
}

export interface Budget extends Limit {
  readonly measured: "import" | "firstStep" | "perTensor";
  readonly title: string;
}

/** A number and how well it is known. */
export interface Estimate {
  readonly measured: number;
  readonly low: number;
  readonly high: number;
}

export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Cold starts of one host. */
export interface Startup {
  readonly host: string;
  readonly import?: Summary | null;
  readonly firstStep?: Summary | null;
}

/** What is judged of a run. */
export interface JudgedRun {
  readonly matches: readonly MeasuredMatch[];
  readonly startup?: readonly Startup[];
}

/** How a contestant is started, and what it can do. */
export interface Start {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The configurations that it has. */
  readonly only?: readonly string[];
  /** Parameters, and tensors, beyond which a step takes seconds. */
  readonly most?: number;
  readonly mostTensors?: number;
  readonly computes?: boolean;
}
