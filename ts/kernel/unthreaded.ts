// One thread: `rmsprop-wasm/threads` in build variants for hosts that compile no bytes.
import type { Threaded } from "./threaded.js";

export const threaded: Threaded | undefined = undefined;
