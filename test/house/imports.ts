// Who imports whom: in TypeScript by dependency-cruiser, in Rust from the paths in the text.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import type { Arrow } from "./floors.js";

const posix = (path: string) => path.split(sep).join("/");

/** Imports among the files below a folder of TypeScript, those of types included. */
export async function typescriptArrows(root: string): Promise<Arrow[]> {
  const options = { tsPreCompilationDeps: true, doNotFollow: "node_modules" };
  const { output } = await cruise([root], options, { extensions: [".ts", ".d.ts"] });
  const inside = (path: string) => posix(relative(root, path));
  return (output as ICruiseResult).modules
    .flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => ({ from: inside(source), to: inside(resolved) })),
    )
    .filter(({ from, to }) => [from, to].every((path) => existsSync(join(root, path)) && !path.startsWith("..")));
}

/** Uses among the files below a folder of Rust, `crate/src`, tests left out. A `mod` is no use: it only names a file. */
export function rustArrows(root: string): Arrow[] {
  const files = (readdirSync(root, { recursive: true }) as string[]).map(posix).filter((file) => file.endsWith(".rs"));
  const tests = files.flatMap((file) => testModules(root, file));
  return files.sort().flatMap((from) => {
    if (tests.includes(moduleOf(from).join("/"))) return [];
    const paths = usedPaths(compiled(root, from), moduleOf(from));
    const targets = new Set(paths.map((path) => fileOf(root, path)));
    targets.delete(from);
    return [...targets].sort().map((to) => ({ from, to }));
  });
}

/** The module of a file, as a path from the crate's root. */
function moduleOf(file: string): string[] {
  const path = file.replace(/(\/mod)?\.rs$/, "").split("/");
  return path[0] === "lib" || path[0] === "bin" ? [] : path;
}

/** The modules that a file declares for tests alone, in files of their own. */
function testModules(root: string, file: string): string[] {
  const found = readFileSync(join(root, file), "utf8").matchAll(/#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+(\w+);/g);
  return Array.from(found, ([, name]) => [...moduleOf(file), name].join("/"));
}

/** A file's text without comments, texts and what is compiled for tests alone. */
function compiled(root: string, file: string): string {
  let text = readFileSync(join(root, file), "utf8")
    .replace(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\\n]|\\.)'|\/\/.*|\/\*[\s\S]*?\*\//g, (match) =>
      match.startsWith("/") ? "" : '""',
    )
    .replace(/#!\[.*?\]/g, "");
  for (;;) {
    const test = /#\[cfg\(test\)\]/.exec(text);
    if (test === null) return text;
    text = text.slice(0, test.index) + text.slice(endOfItem(text, test.index + test[0].length));
  }
}

/** Where the item ends that begins at `start`: behind its semicolon, or the brace that closes it. */
function endOfItem(text: string, start: number): number {
  const isUse = /^\s*(?:pub(?:\(.*?\))?\s+)?use\b/.test(text.slice(start, start + 80));
  for (let [i, depth] = [start, 0]; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0 && !isUse) return i + 1;
    if (text[i] === ";" && depth === 0) return i + 1;
  }
  return text.length;
}

/** All paths that a module's text uses, from the crate's root; `here` is the module. */
function usedPaths(text: string, here: readonly string[]): string[][] {
  const inner = /\bmod\s+(\w+)\s*\{/.exec(text);
  if (inner !== null) {
    const end = endOfItem(text, inner.index);
    const body = text.slice(inner.index + inner[0].length, end - 1);
    return [...usedPaths(text.slice(0, inner.index) + text.slice(end), here), ...usedPaths(body, [...here, inner[1]!])];
  }
  const declared = uses(text, here).map(({ path }) => path);
  const others = text.replace(/\buse\s[^;]+;/g, "").matchAll(/\b(?:crate|super)(?:::\w+)+/g);
  return [...declared, ...Array.from(others, ([path]) => absolute(path, here))];
}

interface Use {
  readonly path: string[];
  /** The name that it has from now on. */
  readonly name: string;
  readonly isPublic: boolean;
}

function uses(text: string, here: readonly string[]): Use[] {
  return [...text.matchAll(/\b(pub(?:\([^)]*\))?\s+)?use\s([^;]+);/g)].flatMap(([, visibility, tree]) =>
    expand(tree!).map((branch) => {
      const [path, alias] = branch.split(/\s+as\s+/) as [string, string?];
      const segments = absolute(path, here);
      return { path: segments, name: alias ?? segments.at(-1)!, isPublic: visibility !== undefined };
    }),
  );
}

/** `a::{b, c::{self, d as e}}` as `a::b`, `a::c`, `a::c::d as e`. */
function expand(tree: string): string[] {
  const open = tree.indexOf("{");
  if (open < 0) return [tree.trim().replace(/::self$/, "")];
  const branches: string[] = [];
  for (let [i, start, depth] = [open + 1, open + 1, 0]; i < tree.length; i++) {
    if (tree[i] === "{") depth++;
    if (depth === 0 && (tree[i] === "," || tree[i] === "}")) {
      branches.push(tree.slice(start, i).trim());
      start = i + 1;
    } else if (tree[i] === "}") depth--;
  }
  return branches.filter(Boolean).flatMap((branch) => expand(tree.slice(0, open).trim() + branch));
}

/** A path from the crate's root. One without `crate`, `self` and `super` begins with a child, or with another crate. */
function absolute(path: string, here: readonly string[]): string[] {
  const segments = path.split("::").map((segment) => segment.trim());
  if (segments[0] === "crate" || segments[0] === "rmsprop") return segments.slice(1);
  const ups = segments.findIndex((segment) => segment !== "super");
  return [...here.slice(0, here.length - ups), ...segments.slice(segments[0] === "self" ? 1 : ups)];
}

/** The file that holds what a path names: the last module on it, or where that has it from. */
function fileOf(root: string, path: readonly string[]): string {
  let file = "lib.rs";
  for (const [i, segment] of path.entries()) {
    const base = path.slice(0, i + 1).join("/");
    const module = [`${base}.rs`, `${base}/mod.rs`].find((name) => existsSync(join(root, name)));
    if (module === undefined) {
      const here = path.slice(0, i);
      const source = uses(compiled(root, file), here).find(
        // A macro is made visible by a `use` of its own name.
        (use) => use.isPublic && use.name === segment && use.path.join() !== path.slice(0, i + 1).join(),
      );
      return source === undefined ? file : fileOf(root, [...source.path, ...path.slice(i + 1)]);
    }
    file = module;
  }
  return file;
}
