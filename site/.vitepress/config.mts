import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { katex } from "@mdit/plugin-katex";
import { defineConfig, type MarkdownRenderer } from "vitepress";
import { packageAliases } from "../aliases.mjs";
import { codeTheme } from "../code-theme.mjs";
import { guidePages } from "../gather.mjs";
import { anchorOf, sidebar } from "../navigation.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = join(root, "build/site/pages");
/** Where the site will stand on its host: "/" or a folder with slashes around it. */
const base = process.env["SITE_BASE"] ?? "/";

/** VitePress' inline scripts, moved to files: a policy of `script-src 'self'` forbids them inline. */
const scripts = new Map<string, string>();

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

/** What this site uses nothing of: each would be loaded with every page. */
const UNUSED = [
  ...["VPHome", "VPDocAsideCarbonAds", "VPDocAsideSponsors", "VPDocFooterLastUpdated", "VPFooter"],
  ...["VPNavBarMenuGroup", "VPNavBarSocialLinks", "VPNavBarTranslations"],
  ...["VPNavScreenMenuGroup", "VPNavScreenSocialLinks", "VPNavScreenTranslations"],
];
const unused = {
  find: new RegExp(`^\\./(${UNUSED.join("|")})\\.vue$`),
  replacement: join(root, "site/components/empty-part.ts"),
};

/** Cells longer than this are sentences. */
const PROSE = 40;

/** Marks the columns of tables that hold sentences. */
function markProse(md: MarkdownRenderer): void {
  md.core.ruler.push("prose", ({ tokens }) => {
    let cells: (typeof tokens)[] = [];
    let prose = new Set<number>();
    let column = 0;
    for (const token of tokens) {
      const { type, content } = token;
      if (type === "table_open") [cells, prose] = [[], new Set()];
      if (type === "tr_open") column = 0;
      if (type === "td_open") cells[column] = [...(cells[column] ?? []), token];
      // A link's address is not to be seen.
      if (type === "inline" && content.replaceAll(/\]\([^)]*\)/g, "").length > PROSE) prose.add(column);
      if (type === "td_close" || type === "th_close") column += 1;
      if (type === "table_close")
        for (const i of prose) for (const cell of cells[i] ?? []) cell.attrJoin("class", "prose");
    }
  });
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
      markProse(md);
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
    resolve: { alias: [...packageAliases, unused] },
    // Components here and in the theme have `setup`, so Vue's other form need not be loaded.
    define: { __VUE_OPTIONS_API__: "false" },
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
