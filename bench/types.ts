// What the files of the benchmark hand to each other.

import type { machine } from "./machine.mjs";
import type { memory } from "./memory.mjs";
import type { Contestant } from "./process.mjs";
import type { configurations, regimes, workloads } from "./workloads.mjs";

export type Workload = `${keyof typeof workloads}`;
export type Configuration = keyof typeof configurations;
export type Regime = keyof typeof regimes;

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
  /** From the first entry, relative to the largest change of a value. */
  difference?: number;
  /** Per step: one number per round. */
  readonly nanoseconds: number[];
}

export interface MeasuredMatch extends Omit<Match, "entries"> {
  readonly entries: readonly Measured[];
}

/** A match over models of one tensor. */
export interface Sized {
  readonly size: number;
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
  /** Default: all that are measured. */
  readonly configurations?: readonly Configuration[];
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

/** One cold start, in milliseconds; `baseline` and `optimized` are per step of 4,096 parameters. */
export interface ColdStart {
  readonly import: number;
  readonly firstStep: number;
  /** `null` if steps were not yet at their final speed when the watching ended. */
  readonly untilOptimized: number | null;
  readonly baseline: number;
  readonly optimized: number;
  readonly backend: string;
}

/** All cold starts of one host; `tiers` are milliseconds per step when the engine has one compiler only. */
export interface Host {
  readonly host: string;
  readonly starts: readonly ColdStart[];
  readonly tiers?: { readonly baseline: readonly number[]; readonly optimizing: readonly number[] };
}

/** Cold starts of one host, summed up. What no start reached is `null`. */
export interface Startup {
  readonly host: string;
  readonly import?: Summary | null;
  readonly firstStep?: Summary | null;
}

export interface FullStartup extends Startup {
  readonly starts: number;
  readonly import: Summary | null;
  readonly firstStep: Summary | null;
  readonly untilOptimized: Summary | null;
  readonly slowdown: number;
  readonly tiers?: number;
}

/** What a part of a cold start takes in Node, in milliseconds. */
export interface StartupPart {
  readonly title: string;
  readonly index: Summary;
  readonly slim: Summary;
}

/** What is judged of a run. */
export interface JudgedRun {
  readonly matches: readonly MeasuredMatch[];
  readonly startup?: readonly Startup[];
}

/** A goal and how it was met; without numbers where it was not measured. */
export interface Goal extends Limit, Partial<Estimate> {
  readonly title: string;
  readonly unit: string;
  readonly verdict: string;
}

/** All of a run: what bench/results/latest.json holds. */
export interface Run extends JudgedRun {
  readonly package: string;
  readonly date: string;
  readonly kind: "full" | "quick";
  readonly effort: Effort;
  readonly machine: ReturnType<typeof machine>;
  readonly growth: readonly (MeasuredMatch & Sized)[];
  readonly versions: Readonly<Record<string, string>>;
  readonly memory?: ReturnType<typeof memory>;
  readonly startup?: readonly FullStartup[];
  readonly startupParts?: readonly StartupPart[];
  readonly configurations: readonly Configuration[];
  readonly goals: readonly Goal[];
  readonly failures: readonly string[];
  readonly seconds: number;
}

/** What `make` of the protocol asks for. */
export interface ModelRequest {
  readonly sizes: readonly number[];
  readonly regime: Regime;
  readonly options: Readonly<Record<string, number>>;
}

/** A model that a contestant made. */
export interface Model {
  run(steps: number): void | Promise<void>;
  values(): readonly ArrayLike<number>[] | Promise<readonly ArrayLike<number>[]>;
  free(): void;
}

/** What a contestant's module gives; `make` gives `null` for a model it does not support. */
export interface Prepared {
  readonly versions: string;
  make(request: ModelRequest): Model | null | Promise<Model | null>;
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
