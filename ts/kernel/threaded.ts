// What `rmsprop-wasm/threads` runs in workers: the module for several threads and their script, both inside the file. The
// build puts unthreaded.ts in place of this file for hosts that compile no bytes.
import compile from "#wasm/rmsprop.threads.wasm";
import script from "#worker";

/** What several threads need; `undefined` in build variants that cannot have them. */
export interface Threaded {
  readonly compile: () => WebAssembly.Module;
  readonly script: string;
}

export const threaded: Threaded | undefined = { compile, script };
