import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { katex } from "@mdit/plugin-katex";
import { defineConfig, type MarkdownRenderer } from "vitepress";
import { packageAliases } from "../aliases.mjs";
import { codeTheme } from "../code-theme.mjs";
import { guidePages } from "../gather.mjs";
import { sidebar } from "../navigation.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = join(root, "build/site/pages");
/** Where the site will stand on its host: "/" or a folder with slashes around it. */
const base = process.env["SITE_BASE"] ?? "/";

/** VitePress' inline scripts, moved to files: a policy of `script-src 'self'` forbids them inline. */
const scripts = new Map<string, string>();

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

/**
 * Plots become part of the page, in its colours; as pictures they know only the system's theme. A paragraph of several
 * is a gallery.
 */
function drawInPage(md: MarkdownRenderer): void {
  const { image } = md.renderer.rules;
  md.renderer.rules.image = (tokens, index, options, env, self) => {
    const source = tokens[index]!.attrGet("src") ?? "";
    if (!/^\/(plots|benchmarks)\//.test(source)) return image!(tokens, index, options, env, self);
    const svg = readFileSync(join(pages, source), "utf8").replace(/<style>[\s\S]*<\/style>/, "");
    return svg.replaceAll(/\s*\n\s*/g, "");
  };
}

export default defineConfig({
  base,
  srcDir: "../build/site/pages",
  outDir: "../build/site/dist",
  cacheDir: "../build/site/cache",
  lang: "en",
  title: "rmsprop-wasm",
  description: "Update your weights in JavaScript with RMSprop, and get exactly the numbers Keras computes.",
  cleanUrls: false,
  metaChunk: true,
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    config(md) {
      // On a phone a formula may be wider than the page: then it can be scrolled, also by keyboard.
      const transformer = (html: string, isBlock: boolean) =>
        isBlock ? html.replace("<math", '<math tabindex="0"') : html;
      md.use(katex, { output: "mathml", transformer });
      drawInPage(md);
    },
    // As GitHub makes them, so that the pages' links hold in both.
    anchor: { slugify: anchorOf },
    theme: codeTheme,
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/first-step", activeMatch: "^/(?!live|api|$)" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: "Live", link: "/live/", activeMatch: "^/live/" },
    ],
    sidebar: sidebar(pages, guidePages()),
    docFooter: { prev: false },
  },
  vite: {
    resolve: { alias: packageAliases },
    publicDir: join(root, "build/site/public"),
    worker: { format: "es" },
    build: { target: "es2022", chunkSizeWarningLimit: 1000 },
  },
  transformHtml: (html) =>
    html.replaceAll(/<script( id="[\w-]+")?>([^<]+)<\/script>/g, (_, id = "", code: string) => {
      const name = `assets/${id.slice(5, -1) || "inline"}.${createHash("sha256").update(code).digest("hex").slice(0, 8)}.js`;
      scripts.set(name, code);
      return `<script${id} src="${base}${name}"></script>`;
    }),
  buildEnd({ outDir }) {
    for (const [name, code] of scripts) {
      mkdirSync(join(outDir, "assets"), { recursive: true });
      writeFileSync(join(outDir, name), code);
    }
  },
});
