// What the build puts in the place of these imports.

declare module "#wasm/rmsprop.wasm" {
  /** Compiles the inlined bytes. */
  export default function compile(): WebAssembly.Module;
}

declare module "#wasm/rmsprop.fallback.js" {
  /** A new instance of the crate in JavaScript, with its own memory. */
  export default function instantiate(): import("../generated/kernel.js").KernelExports;
}

declare module "#wasm/static/rmsprop.wasm" {
  /** The compiled module: workerd compiles what is imported statically. */
  const module: WebAssembly.Module;
  export default module;
}
