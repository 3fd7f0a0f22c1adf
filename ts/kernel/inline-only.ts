// The seam of the flavour `rmsprop-wasm/wasm-only`: WebAssembly inside the file, and no fallback.
import type { Forms } from "./backend.js";
import { inline } from "./inline.js";

export const forms: Forms = [inline];
