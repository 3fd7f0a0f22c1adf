// The floors hold: no import between folders goes upwards or sideways, and no two files import each other.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, tableRows } from "../docs/pages.js";
import { circles, ENTRIES, type Floors, RUST, TYPESCRIPT, wrongArrows } from "./floors.js";
import { rustArrows, typescriptArrows } from "./imports.js";

describe.each([
  ["crate/src", RUST, rustArrows],
  ["ts", TYPESCRIPT, typescriptArrows],
])("%s", (folder, floors, arrowsOf) => {
  it("imports downwards only", async () => {
    const arrows = await arrowsOf(join(root, folder));
    expect(arrows.length).toBeGreaterThan(50);
    expect(wrongArrows(arrows, floors)).toEqual([]);
  });

  it("is told floor by floor in CONTRIBUTING.md", () => {
    const rows = tableRows("CONTRIBUTING.md", `### \`${folder}\`, from the ground up`);
    const told = rows.flatMap(([cell]) => Array.from(cell!.matchAll(/`(.+?)`/g), ([, name]) => name!));
    const floorOf = (name: string) => floors.findIndex((rooms) => rooms.includes(name));
    // README.md tells of the entries.
    const rooms = floors.flat().filter((room) => folder !== "ts" || !ENTRIES.includes(room));
    expect([...told].sort()).toEqual(rooms.sort());
    expect(told.map(floorOf)).toEqual(told.map(floorOf).sort((a, b) => a - b));
  });
});

it("crate/src has no files that import each other", () => {
  expect(circles(rustArrows(join(root, "crate/src")))).toEqual([]);
});

it("ts has no files that import each other", async () => {
  expect(circles(await typescriptArrows(join(root, "ts")))).toEqual([]);
});

describe("on a made-up tree", () => {
  let tree: string;
  const files = {
    "rust/lib.rs": "mod low; mod high; pub use high::walk::Walk;",
    "rust/low/mod.rs": "pub mod ground; #[cfg(test)] mod tests;",
    "rust/low/tests.rs": "use crate::high::Walk;",
    "rust/low/ground.rs": `// use crate::high::Comment;
      macro_rules! rule { () => {}; } pub(crate) use rule;
      pub fn text() -> &'static str { "crate::high::Text" }
      #[cfg(test)] mod tests { use crate::high::Test; fn f() { if true {} } }
      mod wide { use super::text; }`,
    "rust/low/cellar.rs": "use crate::{low::ground, high::{walk::Walk as Stroll}};",
    "rust/low/loft.rs": "use super::cellar; fn f() { crate::high::roof::g() }",
    "rust/high/mod.rs": "mod walk; mod roof; pub use walk::Walk;",
    "rust/high/walk.rs": "use crate::low::ground::{rule, text}; use super::roof::g;",
    "rust/high/roof.rs": "use crate::high::Walk; use core::mem::swap;",
    "ts/low/ground.ts": 'import type { High } from "../high/roof.js"; export type Ground = High; export const a = 1;',
    "ts/high/roof.ts": 'import { a } from "../low/ground.js"; export type High = typeof a;',
    "ts/side/lean.ts": 'export { a } from "../high/roof.js"; import fs from "node:fs"; fs;',
  };
  const floors: Floors = [["low"], ["high", "side"]];

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), "floors-"));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  it("finds what Rust uses: lists, aliases, `super`, inline paths, what a module passes on; no tests, no comments", () => {
    const arrows = rustArrows(join(tree, "rust")).map(({ from, to }) => `${from} -> ${to}`);
    expect(arrows).toEqual([
      "high/mod.rs -> high/walk.rs",
      "high/roof.rs -> high/walk.rs",
      "high/walk.rs -> high/roof.rs",
      "high/walk.rs -> low/ground.rs",
      "lib.rs -> high/walk.rs",
      "low/cellar.rs -> high/walk.rs",
      "low/cellar.rs -> low/ground.rs",
      "low/loft.rs -> high/roof.rs",
      "low/loft.rs -> low/cellar.rs",
    ]);
  });

  it("finds arrows upwards, sideways and of no floor, and files that import each other", async () => {
    const rust = rustArrows(join(tree, "rust"));
    expect(wrongArrows(rust, floors)).toEqual([
      "lib.rs -> high/walk.rs: lib.rs stands on no floor",
      "low/cellar.rs -> high/walk.rs: upwards",
      "low/loft.rs -> high/roof.rs: upwards",
    ]);
    expect(circles(rust)).toEqual([["high/roof.rs", "high/walk.rs"]]);
    const typescript = await typescriptArrows(join(tree, "ts"));
    expect(wrongArrows(typescript, floors).sort()).toEqual([
      "low/ground.ts -> high/roof.ts: upwards",
      "side/lean.ts -> high/roof.ts: sideways",
    ]);
    expect(circles(typescript)).toEqual([["high/roof.ts", "low/ground.ts"]]);
  });
});
