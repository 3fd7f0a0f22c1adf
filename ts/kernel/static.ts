// Backends of the build variant for workerd (Cloudflare Workers): it refuses to compile bytes, but compiles a `.wasm` file that
// is imported statically, and hands over the module.
import module from "#wasm/static/rmsprop.wasm";
import type { BackendLoader } from "./backend.js";
import { moduleLoader } from "./module-backend.js";

export const loaders: readonly BackendLoader[] = [moduleLoader(() => module)];
