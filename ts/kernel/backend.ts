// The two backends, which are the one crate compiled twice, behind one interface.
import type { KernelExports } from "../generated/kernel.js";

/** What computes: WebAssembly SIMD128, or the same crate translated to JavaScript. Both give the same bits. */
export type Backend = "wasm-simd128" | "js";

/** Makes instances of the crate, each with its own memory. */
export interface BackendLoader {
  readonly backend: Backend;
  /** A new instance; throws if this backend cannot be had here. */
  instantiate(): KernelExports;
}
