// Backends of the build variant `rmsprop-wasm/js`: for sandboxes without WebAssembly.
import type { BackendLoader } from "./backend.js";
import { script } from "./script.js";

export const loaders: readonly BackendLoader[] = [script];
