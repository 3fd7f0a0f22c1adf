// The runs that are kept: a full one for each processor, and a quick one of what came since.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.mjs";

/** @import { Run } from "../types.js" */

/** What a kept run is called in tables, by the name of its file in bench/results. */
export const titles = { epyc: "EPYC", xeon: "Xeon", quick: "EPYC, quick" };

export const names = /** @type {(keyof typeof titles)[]} */ (Object.keys(titles));

/** @param {string} name */
export const fileOf = (name) => join(root, "bench", "results", `${name}.json`);

/** @param {string} file @returns {Run} */
export const read = (file) => JSON.parse(readFileSync(file, "utf8"));

export const keptRuns = () =>
  /** @type {Record<keyof typeof titles, Run>} */ (Object.fromEntries(names.map((name) => [name, read(fileOf(name))])));
