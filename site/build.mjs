#!/usr/bin/env node
// Builds the site into build/site/dist: static files for any host. Needs no network once its packages are there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const site = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "build", "site");

function run(command, args, cwd = site) {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
}

const bin = (name) => join(site, "node_modules", ".bin", name);

/** Its packages are its own: what builds the package stays small. */
function installPackages() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(site, "package-lock.json")))
    .digest("hex");
  const stamp = join(site, "node_modules", ".rmsprop-wasm-setup");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, wanted);
}

/** The map as a picture in both themes, in the colours of the style sheet. */
async function drawPictures() {
  const { build } = await import("esbuild");
  const module = join(out, "picture.mjs");
  await build({
    entryPoints: [join(site, "picture.ts")],
    outfile: module,
    bundle: true,
    format: "esm",
    platform: "node",
    alias: { "rmsprop-wasm": join(root, "dist", "index.js") },
  });
  const { picture } = await import(pathToFileURL(module).href);
  const css = readFileSync(join(site, ".vitepress", "theme", "colours.css"), "utf8");
  const [light, dark] = [":root {", ".dark {"].map((start) => {
    const block = css.slice(css.indexOf(start)).split("}")[0];
    return Object.fromEntries([...block.matchAll(/--([\w-]+): (#\w+);/g)].map(([, name, value]) => [name, value]));
  });
  mkdirSync(join(out, "public"), { recursive: true });
  writeFileSync(join(out, "public", "map-light.svg"), picture(light));
  writeFileSync(join(out, "public", "map-dark.svg"), picture({ ...light, ...dark }));
}

installPackages();
for (const folder of ["pages", "public", "dist"]) rmSync(join(out, folder), { recursive: true, force: true });
mkdirSync(out, { recursive: true });
// The pages are compiled to modules that import Vue, and they lie outside of this folder.
if (!existsSync(join(out, "node_modules"))) {
  symlinkSync(join(site, "node_modules"), join(out, "node_modules"), "junction");
}
cpSync(join(site, "pages"), join(out, "pages"), { recursive: true });
const { gatherPages, writeEntries, writeMarkdown } = await import("./gather.mjs");
gatherPages();
await drawPictures();
run(bin("typedoc"), ["--options", join(site, "typedoc.config.mjs")]);
writeEntries();
run(bin("vitepress"), ["build", site]);
writeMarkdown();
