// What the build puts in the place of these imports.

declare module "#wasm/rmsprop.wasm" {
  /** Compiles the inlined bytes. */
  export default function compile(): WebAssembly.Module;
}

declare module "#wasm/rmsprop.fallback.js" {
  /** A new instance of the crate in JavaScript, with its own memory. */
  export default function instantiate(): import("../generated/kernel.js").KernelExports;
}
