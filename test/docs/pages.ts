// What the documentation is made of: pages with code blocks and tables, and the examples in the comments of ts/.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export const read = (path: string) => readFileSync(join(root, path), "utf8");

function list(folder: string, extension: string, recursive = true): string[] {
  const names = readdirSync(join(root, folder), { recursive }) as string[];
  const isOurs = (name: string) => name.endsWith(extension) && !/(^|[\\/])(\.|node_modules)/.test(name);
  return names.filter(isOurs).map((name) => join(folder, name));
}

export const pages = [
  ...list("", ".md", false),
  ...["bench", "crate", "docs", "examples", "test"].flatMap((folder) => list(folder, ".md")),
].sort();

/** A piece of code in the documentation. */
export interface Block {
  readonly file: string;
  /** The number of its first line. */
  readonly line: number;
  readonly code: string;
}

/** The ```ts blocks of a Markdown page, or of the comments in a TypeScript file. */
export function blocks(file: string): Block[] {
  const text = read(file);
  const lines = file.endsWith(".ts") ? text.replace(/^ *\* ?/gm, "") : text;
  return [...lines.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code }) => {
    return { file, line: lines.slice(0, index).split("\n").length + 1, code: code! };
  });
}

export const allBlocks = [...pages, ...list("ts", ".ts")].flatMap(blocks);

/** The rows of all tables of a page that stand below `heading` (as it is written there), without their head. */
export function tableRows(file: string, heading: string): string[][] {
  const section = read(file)
    .split(/^(?=#+ )/m)
    .find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${file} has no heading "${heading}"`);
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const cells = (row: string) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.replaceAll("\\|", "|").trim());
  return rows.filter((row, i) => !isRule(row) && !isRule(rows[i + 1])).map(cells);
}

const isRule = (row: string | undefined) => row !== undefined && /^[-:| ]+$/.test(row);

/** What stands between backticks in a cell that holds nothing else. */
export const codeOf = (cell: string): string => /^`+ ?(.*?) ?`+$/.exec(cell)?.[1] ?? cell;
