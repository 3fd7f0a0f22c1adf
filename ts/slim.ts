// The entry `rmsprop-wasm/slim`: everything, for those who bring the WebAssembly themselves.
export * from "./index.js";
export { init, initSync, type WasmSource } from "./kernel/provided.js";
