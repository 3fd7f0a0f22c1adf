/** The vector files of a folder: which there are, and what kind of case each holds. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { VectorFile } from "./format.js";

export type Kind = "training" | "schedule" | "reduction" | "validation";

const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [/^(optimizer|loss_scale|training)/, "training"],
  [/^schedule/, "schedule"],
  [/^reduction/, "reduction"],
  [/^validation/, "validation"],
];

/** RMSPROP_VECTORS names another folder of vectors in the same format. */
const folder = process.env["RMSPROP_VECTORS"] ?? import.meta.dirname;

export const files: readonly { readonly name: string; readonly kind: Kind }[] = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => {
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1];
    if (kind === undefined) throw new Error(`${name}: not a vector file of a known kind`);
    return { name, kind };
  });

export function read<Case>(name: string): VectorFile<Case> {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as VectorFile<Case>;
}

export function* casesOf<Case>(kind: Kind): Generator<{ name: string; file: VectorFile<Case>; vector: Case }> {
  for (const { name } of files.filter((file) => file.kind === kind)) {
    const file = read<Case>(name);
    for (const vector of file.cases) yield { name, file, vector };
  }
}
