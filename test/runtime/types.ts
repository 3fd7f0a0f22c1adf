// What the runner, the environments and the suite hand to each other.

import type { createKit, prepare } from "./kit.mjs";
import type { Need } from "./needs.mjs";

export type Package = typeof import("rmsprop-wasm");
export type Checkpoint = typeof import("rmsprop-wasm/checkpoint");
export type Backend = "wasm-simd128" | "js";

export interface Result {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/** What the suite returns. */
export interface Report {
  readonly backend: string | undefined;
  readonly crc: string;
  readonly counts: { readonly optimizers: number; readonly runtimes: number };
  readonly results: Result[];
}

/** How many optimizers and runtimes the suite makes. */
export interface Limits {
  readonly optimizers?: number;
  readonly runtimes?: number;
}

type ScheduleName =
  | "CosineDecay"
  | "CosineDecayRestarts"
  | "ExponentialDecay"
  | "InverseTimeDecay"
  | "PiecewiseConstantDecay"
  | "PolynomialDecay";

/** A scenario of the suite; suite.js says what its properties do. */
export interface Scenario {
  readonly name: string;
  readonly options: import("rmsprop-wasm").RMSpropOptions & { readonly learningRate?: number };
  readonly schedule?: readonly [name: ScheduleName, options: object];
  readonly scale?: import("rmsprop-wasm").LossScaleOptions;
  readonly absent?: boolean;
  readonly exclude?: readonly string[];
  readonly overwrite?: readonly number[];
  readonly nonNeg?: readonly number[];
  readonly reload?: number;
  readonly finalize?: boolean;
}

export type Prepared = Awaited<ReturnType<typeof prepare>>;
export type Kit = ReturnType<typeof createKit>;
/** Files by their paths in a folder. */
export type Files = Readonly<Record<string, string>>;
/** Environment variables beside those of this process. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface ExecuteSettings {
  readonly cwd?: string;
  readonly env?: Variables | undefined;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export interface BundleSettings {
  readonly format?: "esm" | "iife";
  readonly name?: string;
  readonly conditions?: readonly string[];
  readonly external?: readonly string[];
}

/** What became of a run: the report, or a text that has it. */
export interface Outcome {
  readonly version: string;
  readonly report: Report | string;
}

/** The header of run.mjs documents it. */
export interface Environment {
  readonly name: string;
  readonly host: string;
  readonly way: string;
  readonly entry: string;
  readonly backend: Backend;
  readonly needs?: readonly Need[];
  readonly seconds?: number | undefined;
  readonly exclusive?: boolean;
  readonly notCovered?: string | undefined;
  run(kit: Kit): Promise<Outcome>;
}

export interface EnvironmentModule {
  readonly environments: readonly Environment[];
  close?(): Promise<unknown>;
}

/** A line of the report of a run. */
export interface EnvironmentResult extends Pick<Environment, "name" | "host" | "way" | "entry"> {
  /** The one that was used, or that must be used where nothing ran. */
  readonly backend: string | undefined;
  readonly version: string | null;
  readonly milliseconds: number | null;
  readonly status: "ok" | "failed" | "missing" | "not covered";
  readonly reason?: string;
}

/** A browser, by its name in those of environments. */
export interface BrowserHost {
  readonly name: string;
  readonly host: string;
  readonly driver: Driver;
}

/** How the suite is brought to run in a browser. */
export interface BrowserWay {
  readonly name: string;
  readonly way: string;
  readonly entry?: string;
  readonly backend?: Backend;
  /** Reasons by hosts. */
  readonly notCovered?: Readonly<Record<string, string>>;
  run(kit: Kit, driver: Driver): Promise<Outcome>;
}

/** Calls a function in a page or worker, and gives what it returns. */
export type Evaluate = (expression: () => unknown) => Promise<unknown>;

/** What is used of puppeteer, which is installed only where the browsers run. */
export interface Page {
  on(event: "console", listen: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listen: (error: unknown) => void): void;
  goto(address: string, options: { timeout: number }): Promise<unknown>;
  evaluate(expression: string | (() => unknown)): Promise<unknown>;
  close(): Promise<void>;
  setViewport(size: { width: number; height: number }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void> };
}

export interface Target {
  type(): string;
  url(): string;
  worker(): Promise<{ evaluate: Evaluate } | null>;
}

export interface Browser {
  newPage(): Promise<Page>;
  version(): Promise<string>;
  close(): Promise<void>;
  installExtension(folder: string): Promise<string>;
  uninstallExtension(identifier: string): Promise<void>;
  waitForTarget(isWanted: (target: Target) => boolean): Promise<Target>;
}

/** A browser that is started at its first use. */
export interface Driver {
  readonly needs: readonly Need[];
  open(address: string, seconds?: number): Promise<Outcome>;
}

/** A session of WebDriver in the one window of WebKitGTK. */
export interface WebDriver extends Driver {
  session(): Promise<{
    post(command: string, body: object): Promise<{ readonly value?: unknown; readonly failure?: string }>;
    get(command: string): Promise<string>;
  }>;
}

export interface PuppeteerDriver extends Driver {
  browser(): Promise<Browser>;
  version(): Promise<string>;
}
