// Backends of the build variant `rmsprop-wasm/wasm-only`: WebAssembly inside the file, and no fallback.
import type { BackendLoader } from "./backend.js";
import { inline } from "./inline.js";

export const loaders: readonly BackendLoader[] = [inline];
