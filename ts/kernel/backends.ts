// The backends of the default build variant, in order of preference. Each other variant replaces this file by one of its own:
// inline-only, script-only, static or provided.
import type { BackendLoader } from "./backend.js";
import { inline } from "./inline.js";
import { script } from "./script.js";

export const loaders: readonly BackendLoader[] = [inline, script];
