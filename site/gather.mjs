// Gathers the pages of docs/ in build/site/pages, and afterwards writes each page as Markdown, and llms.txt.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { fullReport } from "../bench/report/full.mjs";
import { plots } from "../bench/report/plots.mjs";
import { keptRuns, titles } from "../bench/report/runs.mjs";
import { entries } from "../scripts/entries.mjs";
import { display, texOf } from "./formulas.mjs";
import { notSearched, otherPages, REPOSITORY, runPage, sections } from "./navigation.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const docs = join(root, "docs");
const pages = join(root, "build", "site", "pages");
const dist = join(root, "build", "site", "dist");

/** The page that a file of the repository becomes, by its path from the root; pictures keep theirs. */
function pageOf(path) {
  const other = Object.entries(otherPages).find(([, source]) => source === path);
  if (other) return other[0];
  return path.startsWith("docs/") ? path.slice("docs/".length) : undefined;
}

/** Links lead to pages of the site; where there is none, to the repository, or nowhere while that has no address. */
function withLinks(text, source) {
  const outside = /(```[\s\S]*?^```|`[^`\n]*`)|\[((?:[^[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s]+)\)/gm;
  return text.replaceAll(outside, (all, code, words, target) => {
    if (code !== undefined) return all;
    const [path, anchor] = target.split("#");
    const full = normalize(join(dirname(source), path)).replaceAll("\\", "/");
    const page = pageOf(full);
    if (page !== undefined && existsSync(join(root, full)) && statSync(join(root, full)).isFile()) {
      return `[${words}](/${page}${anchor ? `#${anchor}` : ""})`;
    }
    if (full === "README.md") return `[${words}](/)`;
    return REPOSITORY ? `[${words}](${REPOSITORY}/blob/main/${full}${anchor ? `#${anchor}` : ""})` : words;
  });
}

const withFormulas = (text) =>
  text.replaceAll(/^```text\n(.*?)^```$/gms, (block, lines) => {
    const tex = texOf(lines);
    return tex ? display(tex) : block;
  });

function stage(source, name) {
  write(name, withFormulas(withLinks(readFileSync(join(root, source), "utf8"), source)));
}

function write(name, text) {
  const isLong = notSearched.includes(name.replace(/\.md$/, ""));
  const front = isLong && !text.startsWith("---\n") ? "---\nsearch: false\n---\n\n" : "";
  writeFileSync(join(pages, name), front + text);
}

/** A page with all numbers of each run of the benchmark. */
function writeBenchmarks() {
  for (const [name, run] of Object.entries(keptRuns())) {
    const folder = `benchmarks/${name}`;
    mkdirSync(join(pages, folder), { recursive: true });
    const pictures = Object.entries(plots(run)).map(([file, drawing]) => {
      writeFileSync(join(pages, folder, file), drawing);
      return `![${file === "peers.svg" ? "Contestants over the number of parameters" : "Growth"}](/${folder}/${file})`;
    });
    const text = `# All numbers: ${titles[name]}\n\n${fullReport(run)}\n## Plots\n\n${pictures.join("\n\n")}\n`;
    write(`${runPage(name)}.md`, text);
  }
}

export function gatherPages() {
  for (const name of readdirSync(docs)) {
    if (name.endsWith(".md")) stage(`docs/${name}`, name);
    else cpSync(join(docs, name), join(pages, name), { recursive: true });
  }
  for (const [name, source] of Object.entries(otherPages)) {
    if (existsSync(join(root, source))) stage(source, name);
  }
  writeBenchmarks();
}

/** The first page of the API: what each entry is for. TypeDoc's is a list of names. */
export function writeEntries() {
  const rows = entries.flatMap(({ path, source, holds }) => {
    const name = path.replace(".", "rmsprop-wasm");
    const page = join(pages, "api", name, "index.md");
    // Entries that differ in their backend alone have one page.
    const link = existsSync(page) ? `[\`${name}\`](${name}/index.md)` : source && `\`${name}\``;
    return link ? [`| ${link} | ${withLinks(holds, "README.md")} |`] : [];
  });
  const text = `# API

Every class, interface, function and type, by the entry that exports it. \`wasm-only\` and \`js\` export what \`rmsprop-wasm\` does.

| Entry | For |
| --- | --- |
${rows.join("\n")}
`;
  writeFileSync(join(pages, "api", "index.md"), text);
}

/** The names of the guide's pages. */
export const guidePages = () =>
  readdirSync(pages)
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.slice(0, -".md".length));

function markdownFiles(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".md"));
}

/** Beside each page its Markdown with the pictures that it shows, and llms.txt, which lists them (https://llmstxt.org). */
export function writeMarkdown() {
  for (const name of readdirSync(pages, { recursive: true }).filter((each) => /\.(md|svg)$/.test(each))) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    copyFileSync(join(pages, name), join(dist, name));
  }
  const { description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const lists = sections(pages, guidePages()).map(
    ({ text, pages: each }) =>
      `## ${text}\n\n${each.map(({ page, title }) => `- [${title}](${page}.md)`).join("\n")}\n`,
  );
  const api = markdownFiles(join(pages, "api"))
    .filter((name) => /(^|\/)index\.md$/.test(name.replaceAll("\\", "/")))
    .sort()
    .map(
      (name) =>
        `- [${dirname(name) === "." ? "All entries" : dirname(name)}](${relative(pages, join(pages, "api", name)).replaceAll("\\", "/")})`,
    );
  const text = `# rmsprop-wasm\n\n> ${description}\n\n${lists.join("\n")}\n## API\n\n${api.join("\n")}\n`;
  writeFileSync(join(dist, "llms.txt"), text);
}
