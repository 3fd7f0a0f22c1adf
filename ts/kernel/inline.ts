// The crate as WebAssembly, its bytes inside this file: no fetch, no file system, no bundler settings.
import compile from "#wasm/rmsprop.wasm";
import type { KernelExports } from "../generated/kernel.js";
import type { Form } from "./form.js";
import { computes } from "./probe.js";

let compiled: WebAssembly.Module | undefined;

export const inline: Form = {
  backend: "wasm-simd128",
  instantiate() {
    compiled ??= compile();
    const kernel = new WebAssembly.Instance(compiled, {}).exports as unknown as KernelExports;
    if (!computes(kernel)) throw new Error("WebAssembly SIMD computes wrong results here");
    return kernel;
  },
};
