// The seam of `rmsprop-wasm/threads`: the module for several threads and the workers' script, both inside the file.
import compile from "#wasm/rmsprop.threads.wasm";
import script from "#worker";

/** What several threads need; `undefined` in flavours that cannot have them. */
export interface Threaded {
  readonly compile: () => WebAssembly.Module;
  readonly script: string;
}

export const threaded: Threaded | undefined = { compile, script };
