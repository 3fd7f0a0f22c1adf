// The crate as WebAssembly, its bytes inside this file: no fetch, no file system, no bundler settings.
import compile from "#wasm/rmsprop.wasm";
import type { BackendLoader } from "./backend.js";
import { moduleLoader } from "./module-backend.js";

export const inline: BackendLoader = /* @__PURE__ */ moduleLoader(compile);
