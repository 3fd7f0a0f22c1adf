// One cold start in a process of its own, part by part: node parts-child.mjs ENTRY [MODULE].
import { readFileSync } from "node:fs";

const [, , entry, module] = process.argv;
const bytes = module ? readFileSync(module) : undefined;

/** @type {Record<string, number>} */
const parts = {};
let last = performance.now();
/**
 * Ends a part.
 *
 * @param {string} name
 */
function end(name) {
  const now = performance.now();
  parts[name] = now - last;
  last = performance.now();
}

/** @param {string} query Each gives a module of its own. */
const importEmpty = (query) => import(`./empty.js?${query}`);

// The first import of all readies the loader.
await importEmpty("first");
end("loader");
await importEmpty("second");
end("empty");
/** @type {typeof import("rmsprop-wasm") & { initSync?: (bytes: Uint8Array) => void }} */
const rmsprop = await import(entry);
end("import");
if (bytes) rmsprop.initSync?.(bytes);
end("init");
rmsprop.backend();
end("runtime");
const w = new rmsprop.Variable(10);
end("variable");
const optimizer = new rmsprop.RMSprop({ learningRate: 0.1 });
end("optimizer");
optimizer.build([w]);
end("build");
w.gradient[0] = 10;
optimizer.step();
end("step");
if (w.value[0] !== Math.fround(9.683772)) throw new Error(`the first step gives ${w.value[0]}`);
console.log(JSON.stringify(parts));
