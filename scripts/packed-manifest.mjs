// package.json as npm packs it: without `scripts` and `wireit`, which only a checkout can run. `npm pack` and `npm publish` call it
// before (`prepack`) and after (`postpack`); --ignore-scripts leaves it out.
//
//   node scripts/packed-manifest.mjs strip|restore
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const MANIFEST = "package.json";
/** Where the whole one is meanwhile. */
const WHOLE = "build/package.json";

const [action] = process.argv.slice(2);
if (action === "strip") {
  const text = readFileSync(MANIFEST, "utf8");
  const { scripts, wireit, ...packed } = JSON.parse(text);
  // Without scripts it is stripped already, and the whole one stays. After a pack that was cut off npm has no script to call: then
  // `restore` by hand.
  if (scripts) {
    mkdirSync("build", { recursive: true });
    writeFileSync(WHOLE, text);
    writeFileSync(MANIFEST, `${JSON.stringify(packed, null, 2)}\n`);
  }
} else if (action === "restore") {
  if (existsSync(WHOLE)) renameSync(WHOLE, MANIFEST);
} else {
  throw new Error("usage: packed-manifest.mjs strip|restore");
}
