// One cold start in a process of its own: node [flags] child.mjs ADDRESS.
import { probe } from "./probe.js";

console.log(JSON.stringify(await probe(process.argv[2])));
