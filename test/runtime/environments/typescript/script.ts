// What a script says for the types of the file with one global: compiled, never run.
/// <reference types="rmsprop-wasm/iife" />
export const used: "wasm-simd128" | "js" = rmspropWasm.backend();
export const variable: import("rmsprop-wasm").Variable = new rmspropWasm.Variable([1, 2]);
