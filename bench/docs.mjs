// docs/benchmarks.md and its plots from the runs in bench/results:
// node bench/docs.mjs [NAME [FILE]]. With NAME (epyc, xeon, quick), first keeps FILE, by default the latest run, as that run.
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { biome, root } from "../scripts/tools.mjs";
import { page } from "./report/page.mjs";
import { plots } from "./report/plots.mjs";
import { fileOf, keptRuns, names } from "./report/runs.mjs";

const [name, file = fileOf("latest")] = process.argv.slice(2);
if (name !== undefined) {
  if (!names.some((each) => each === name))
    throw new Error(`There is no run ${name}: name it in bench/report/runs.mjs.`);
  copyFileSync(file, fileOf(name));
}
const runs = keptRuns();
const docs = join(root, "docs");
for (const each of /** @type {const} */ (["epyc", "xeon"])) {
  writeFileSync(join(docs, "benchmarks", `${each}.svg`), plots(runs[each])["peers.svg"]);
}
const text = join(docs, "benchmarks.md");
writeFileSync(text, page(runs));
execFileSync(process.execPath, [biome, "format", "--write", text], { cwd: root, stdio: "ignore" });
console.log("docs/benchmarks.md and 2 plots.");
