// The bundles run where there is nothing but the language: no web, no Node. So every global that they name is listed
// here, and a new one is a decision.
import { readdirSync, readFileSync } from "node:fs";
import { parseAst } from "rollup/parseAst";
import { describe, expect, it } from "vitest";

/** ECMAScript, in every engine that we know of: Figma's, audio worklets, QuickJS. */
const language = [
  ...[
    "Infinity",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "WeakMap",
    "WeakSet",
  ],
  ...["Error", "RangeError", "TypeError"],
  // tfjs' weights are read asynchronously.
  "Promise",
  // Checkpoints: 64-bit lengths, and UTF-8 without a TextEncoder.
  ...["BigInt", "DataView", "URIError"],
  ...["Array", "ArrayBuffer", "BigInt64Array", "BigUint64Array", "Float32Array", "Float64Array"],
  ...["Int8Array", "Int16Array", "Int32Array", "Uint8Array", "Uint16Array", "Uint32Array"],
];

/** Asked for before they are used, and done without where they are missing. */
const optional = ["FinalizationRegistry", "WebAssembly", "globalThis"];

/** What storage helpers need: they are for one kind of host. */
const host: Readonly<Record<string, { readonly globals: readonly string[]; readonly imports: readonly string[] }>> = {
  "checkpoint.node.js": {
    globals: ["Date", "Promise"],
    imports: ["node:crypto", "node:fs/promises", "node:path", "node:process"],
  },
  "cli.js": { globals: [], imports: ["node:fs/promises", "node:os", "node:path", "node:process"] },
  "checkpoint.opfs.js": { globals: ["navigator"], imports: [] },
  "distributed.js": { globals: ["Date"], imports: [] },
  "distributed.nats.js": { globals: ["Date"], imports: [] },
  "index.serially.js": { globals: ["Promise"], imports: [] },
};

/** Where there are threads, there are these. Of the host, threads know what is a property of `globalThis`. */
const threaded = ["Atomics", "Date", "Promise"];

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

/** Calls `visit` with every node of a tree below its root, the node that it hangs on, and the key it hangs there by. */
function walk(node: Node, visit: (node: Node, parent: Node, key: string) => void): void {
  for (const [key, value] of Object.entries(node)) {
    for (const child of [value].flat().filter(isNode)) {
      visit(child, node, key);
      walk(child, visit);
    }
  }
}

/** Where an identifier is a mere name, not a reference: `a.name`, `{ name: a }`, `name: for`, `export { a as name }`. */
const isName = (parent: Node, key: string): boolean =>
  (["property", "key"].includes(key) && parent["computed"] === false && parent["shorthand"] !== true) ||
  ["label", "exported", "imported"].includes(key) ||
  ["ExportSpecifier", "MetaProperty"].includes(parent.type);

const isFunction = (node: Node) => /Function/.test(node.type);

/** The names that a pattern (`a`, `{ b, c: [d] }`, `e = f`) declares. */
function declared(pattern: Node): string[] {
  if (pattern.type === "Identifier") return [pattern["name"] as string];
  const inner = {
    ObjectPattern: "properties",
    ArrayPattern: "elements",
    AssignmentPattern: "left",
    RestElement: "argument",
  };
  const key = pattern.type === "Property" ? "value" : inner[pattern.type as keyof typeof inner];
  return [pattern[key]].flat().filter(isNode).flatMap(declared);
}

/** The globals that a script names. (A name declared anywhere in it counts as its own everywhere.) */
function globals(program: Node): string[] {
  const own = new Set(["arguments", "undefined"]);
  const used = new Set<string>();
  walk(program, (node, parent, key) => {
    const declares =
      (key === "id" && /Declarator|Function|Class/.test(parent.type)) ||
      (key === "params" && isFunction(parent)) ||
      (key === "param" && parent.type === "CatchClause") ||
      (key === "local" && parent.type.startsWith("Import"));
    if (declares) for (const name of declared(node)) own.add(name);
    if (node.type === "Identifier" && !isName(parent, key)) used.add(node["name"] as string);
  });
  return [...used].filter((name) => !own.has(name)).sort();
}

const dist = new URL("../../dist/", import.meta.url);
const scripts = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
const neighbours = [...scripts, "rmsprop.wasm"].map((name) => `./${name}`);

describe.each(scripts)("dist/%s", (name) => {
  const program = parseAst(readFileSync(new URL(name, dist), "utf8")) as unknown as Node;
  const allowed = host[name] ?? { globals: [], imports: [] };

  it("names no other globals", () => {
    const known = [...language, ...optional, ...allowed.globals, ...(/threads/.test(name) ? threaded : [])];
    expect(globals(program).filter((global) => !known.includes(global))).toEqual([]);
  });

  it("imports only its neighbours, statically", () => {
    const imports: unknown[] = [];
    walk(program, (node) => {
      if (node.type === "ImportExpression" || node.type === "MetaProperty") imports.push(node.type);
      const source = node["source"];
      if (isNode(source)) imports.push(source["value"]);
    });
    // What an adapter adapts to, if that is not handed in.
    const peers = /(^|\.)jax\.js$/.test(name) ? ["@jax-js/jax"] : [];
    const known = [...neighbours, ...allowed.imports, ...peers];
    expect(imports.filter((source) => !known.includes(source as string))).toEqual([]);
  });
});

it("finds what it looks for", () => {
  const script =
    "export const f = ({ a, b: [c] = d }) => { l: for (;;) break l; return a.e + c + { g: h, i }.j + import.meta.k; }";
  expect(globals(parseAst(script) as unknown as Node)).toEqual(["d", "h", "i"]);
});
