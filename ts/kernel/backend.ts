// The two machine forms of the one crate, behind one interface.
import type { KernelExports } from "../generated/kernel.js";

/** Which machine form computes: WebAssembly SIMD128, or the same crate translated to JavaScript. Same bits. */
export type Backend = "wasm-simd128" | "js";

/** A way to make instances of the crate, each with its own memory. */
export interface Form {
  readonly backend: Backend;
  /** A new instance; throws if this form cannot be had here. */
  instantiate(): KernelExports;
}

/** The default runtime in the seam of every flavour: the forms it has, in order of preference. */
export type Forms = readonly Form[];
