// What the build replaces these imports by.

declare module "#wasm/rmsprop.wasm" {
  /** Compiles the inlined bytes. */
  export default function compile(): WebAssembly.Module;
}

declare module "#wasm/rmsprop.threads.wasm" {
  /** Compiles the inlined bytes of the module for several threads. */
  export default function compile(): WebAssembly.Module;
}

declare module "#worker" {
  /** ts/threads/worker.ts with what it imports, as the text of one script. */
  const script: string;
  export default script;
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
