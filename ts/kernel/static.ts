// The seam of the flavour for workerd (Cloudflare Workers): it refuses to compile bytes, but compiles a `.wasm` file that
// is imported statically, and hands over the module.
import module from "#wasm/static/rmsprop.wasm";
import type { Forms } from "./backend.js";
import { moduleForm } from "./module-backend.js";

export const forms: Forms = [moduleForm(() => module)];
