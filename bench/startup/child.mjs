// One cold start in a process of its own: node [flags] child.mjs ENTRY [MODULE]. MODULE is a file of WebAssembly, for slim.
import { readFileSync } from "node:fs";
import { probe } from "./probe.js";

const [, , entry, module] = process.argv;
console.log(JSON.stringify(await probe(entry, module ? readFileSync(module) : undefined)));
