// The crate as JavaScript: compiled to scalar WebAssembly and translated by binaryen's wasm2js.
import instantiate from "#wasm/rmsprop.fallback.js";
import type { Form } from "./backend.js";

export const script: Form = { backend: "js", instantiate };
