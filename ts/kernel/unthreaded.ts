// The seam of `rmsprop-wasm/threads` in flavours of hosts that compile no bytes: one thread.
import type { Threaded } from "./threaded.js";

export const threaded: Threaded | undefined = undefined;
