// The module for several threads and the workers' script, both inside the file of `rmsprop-wasm/threads`.
import compile from "#wasm/rmsprop.threads.wasm";
import script from "#worker";

/** What several threads need. */
export interface Threaded {
  readonly compile: () => WebAssembly.Module;
  readonly script: string;
}

export const threaded: Threaded = { compile, script };
