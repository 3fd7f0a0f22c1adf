// Runs the worker in workerd, as Cloudflare does: 300 requests, a restart, and what is left after it.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

// As wrangler bundles: by the condition "workerd", whose entry imports the WebAssembly as a file beside the script.
const { outputFiles } = await build({
  entryPoints: ["src/worker.js"],
  bundle: true,
  write: false,
  format: "esm",
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "*.wasm"],
});
const wasm = await readFile(createRequire(import.meta.url).resolve("rmsprop-wasm/rmsprop.wasm"));
const modules = [
  { type: "ESModule", path: "worker.js", contents: outputFiles[0].text },
  { type: "CompiledWasm", path: "rmsprop.wasm", contents: wasm },
];
const folder = await mkdtemp(join(tmpdir(), "line-that-learns-"));
const start = () =>
  new Miniflare({
    compatibilityDate: "2026-01-01",
    modules,
    durableObjects: { MODEL: { className: "Model", useSQLite: true } },
    durableObjectsPersist: folder,
  });

const first = start();
for (let i = 0; i < 300; i++) {
  const x = (i % 9) / 4 - 1;
  const body = JSON.stringify({ x, y: 3 * x - 2 });
  const response = await first.dispatchFetch("http://localhost/", { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
}
await first.dispose();

const second = start();
const { steps, slope, intercept } = await (await second.dispatchFetch("http://localhost/")).json();
console.log(`after a restart: ${steps} steps, slope ${slope.toFixed(2)}, intercept ${intercept.toFixed(2)}`);
await second.dispose();
await rm(folder, { recursive: true });
