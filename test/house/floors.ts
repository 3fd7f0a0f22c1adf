// The floors of the house: which folder stands on which. A file imports from its own folder and from lower floors.

import { sources } from "../../scripts/entries.mjs";

/** Folders and files of one source tree from the ground up. What stands in one row knows nothing of each other. */
export type Floors = readonly (readonly string[])[];

export const RUST: Floors = [
  ["platform.rs"],
  ["config.rs"],
  ["arith"],
  ["rule"],
  ["schedules"],
  ["memory"],
  ["step"],
  ["threads"],
  ["wasm"],
  ["lib.rs", "testing.rs"],
  ["bin"],
];

const below: Floors = [
  ["generated"],
  ["support"],
  ["kernel"],
  ["memory"],
  ["schedules"],
  ["rule"],
  ["optimizers"],
  ["formats"],
];

const folders = sources.filter((source) => source.includes("/")).map((source) => source.split("/")[0]!);

/** The folders of entries that stand above all that. */
export const ENTRIES = [...new Set(folders)].filter((folder) => !below.flat().includes(folder));

/** The one that is built on another: a log keeps checkpoints. All others know nothing of each other. */
const above = ["distributed"];

export const TYPESCRIPT: Floors = [
  ...below,
  ENTRIES.filter((folder) => !above.includes(folder)),
  above,
  ["index.ts"],
  ["slim.ts"],
  ["cli"],
];

/** One file imports another. Both are paths below the root of the tree. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** The arrows that the floors forbid, each as "from -> to: why". */
export function wrongArrows(arrows: readonly Arrow[], floors: Floors): string[] {
  const roomOf = (file: string) => file.split("/")[0]!;
  const floorOf = (file: string) => floors.findIndex((rooms) => rooms.includes(roomOf(file)));
  return arrows.flatMap(({ from, to }) => {
    const [floor, target] = [floorOf(from), floorOf(to)];
    const wrong = (why: string) => [`${from} -> ${to}: ${why}`];
    if (floor < 0 || target < 0) return wrong(`${floor < 0 ? from : to} stands on no floor`);
    if (roomOf(from) === roomOf(to) || target < floor) return [];
    return wrong(target > floor ? "upwards" : "sideways");
  });
}

/** Files that import each other, directly or around a corner: each group once, in order of its names. */
export function circles(arrows: readonly Arrow[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to]);
  const reach = (start: string) => {
    const found = new Set<string>();
    const visit = (file: string) => {
      for (const to of next.get(file) ?? []) {
        if (found.has(to)) continue;
        found.add(to);
        visit(to);
      }
    };
    visit(start);
    return found;
  };
  const reached = new Map([...next.keys()].map((file) => [file, reach(file)]));
  const groups = [...next.keys()].map((file) =>
    [...reached.get(file)!].filter((other) => reached.get(other)?.has(file)).sort(),
  );
  return [...new Set(groups.filter(({ length }) => length > 0).map((group) => group.join(" ")))]
    .sort()
    .map((group) => group.split(" "));
}
