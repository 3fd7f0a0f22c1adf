// The crate as a WebAssembly module, wherever the module comes from.
import type { KernelExports } from "../generated/kernel.js";
import type { BackendLoader } from "./backend.js";
import { computes } from "./probe.js";

/** Instances of the module that `load` gives when it is first needed. */
export function moduleLoader(load: () => WebAssembly.Module): BackendLoader {
  let module: WebAssembly.Module | undefined;
  return {
    backend: "wasm-simd128",
    instantiate() {
      module ??= load();
      return checked(new WebAssembly.Instance(module, {}).exports as unknown as KernelExports);
    },
  };
}

/** `kernel`, if it computes what it should. */
export function checked(kernel: KernelExports): KernelExports {
  if (!computes(kernel)) throw new Error("WebAssembly SIMD computes wrong results here");
  return kernel;
}
