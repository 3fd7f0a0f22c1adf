// The seam between flavours: this one has both machine forms. A build of another flavour puts another file here.
import type { Forms } from "./backend.js";
import { inline } from "./inline.js";
import { script } from "./script.js";

export const forms: Forms = [inline, script];
