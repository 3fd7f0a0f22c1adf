// The crate as WebAssembly, its bytes inside this file: no fetch, no file system, no bundler settings.
import compile from "#wasm/rmsprop.wasm";
import type { Form } from "./backend.js";
import { moduleForm } from "./module-backend.js";

export const inline: Form = /* @__PURE__ */ moduleForm(compile);
