// The seam of the flavour `rmsprop-wasm/js`: for sandboxes without WebAssembly.
import type { Forms } from "./backend.js";
import { script } from "./script.js";

export const forms: Forms = [script];
