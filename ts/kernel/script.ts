// The crate as JavaScript: compiled to scalar WebAssembly and translated by binaryen's wasm2js.
import instantiate from "#wasm/rmsprop.fallback.js";
import type { BackendLoader } from "./backend.js";

export const script: BackendLoader = { backend: "js", instantiate };
