// What the parts of `npm run test:gpu` hand to each other.

import type * as rmspropWasm from "rmsprop-wasm";
import type * as adapter from "rmsprop-wasm/tfjs";
import type { RMSpropTfjsOptions } from "rmsprop-wasm/tfjs";

export type Tf = typeof import("@tensorflow/tfjs-core");
export type Tfjs = typeof adapter;
export type Rmsprop = typeof rmspropWasm;
export type Resident = boolean | "composed";
export type ResidentOptions = RMSpropTfjsOptions & { readonly resident?: true | "composed" };

/** What `applyGradients` takes; tfjs takes `null` too, and does not say so. */
export type Gradients = Parameters<import("@tensorflow/tfjs-core").Optimizer["applyGradients"]>[0];

/** A schedule by its name, with its options. */
export interface NamedSchedule {
  readonly schedule: "CosineDecay" | "CosineDecayRestarts";
  readonly [option: string]: string | number;
}

/** Values and gradients of a variable: normal numbers of many sizes, or with zeros among them. */
export type Kind = "normal" | "zeros";

export interface Case {
  readonly options: Omit<RMSpropTfjsOptions, "learningRate"> & {
    readonly learningRate?: number | NamedSchedule | ((step: number) => number);
  };
  /** For `excludeFromWeightDecay`. */
  readonly exclude?: readonly string[];
  /** For `override`, by what is found in names. */
  readonly overrides?: Readonly<Record<string, rmspropWasm.VariableOverrides>>;
  /** Sums are in it, whose order is the backend's. */
  readonly isNorm?: boolean;
  /** Some gradients are not finite. */
  readonly spikes?: boolean;
  readonly finalize?: boolean;
  readonly kinds?: readonly Kind[];
}

/** Complaints, none if all is right; and what else there is to say. */
export type Outcome = readonly string[] | { readonly complaints: readonly string[]; readonly detail: string };

/** A part of the page on one backend. */
export type Trial = (tf: Tf, tfjs: Tfjs, rmsprop: Rmsprop, backend: "webgl" | "webgpu") => Promise<Outcome>;
export type Trials = Readonly<Record<string, Trial>>;

/** What became of a trial in the page. */
export interface Result {
  readonly name: string;
  readonly complaints: readonly string[];
  readonly detail: string;
  readonly milliseconds: number;
}

export interface PageReport {
  readonly failure?: string;
  readonly device?: string;
  readonly results: readonly Result[];
}
