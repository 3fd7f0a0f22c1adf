// Which pages there are, in which order. What is in docs/ and not here stands at the end: no page gets lost.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { names } from "../bench/report/runs.mjs";

/** Where the sources can be read; empty until there is an address. Links to them are plain text meanwhile. */
export const REPOSITORY = "";

/** The page with all numbers of a run of the benchmark, generated when the site is built. */
export const runPage = (name) => `benchmarks-${name}`;
const runPages = names.map(runPage);

/** The groups of the guide; pages are files of docs/, without their ending, or generated when the site is built. */
export const groups = [
  { text: "Begin", pages: ["first-step", "gradients", "options", "schedules", "overrides"] },
  { text: "Frameworks", pages: ["tfjs", "jax", "react-native"] },
  { text: "From elsewhere", pages: ["migrating", "keras", "keras-tfjs", "pytorch", "pytorch-recipes"] },
  {
    text: "In production",
    pages: [
      ...["checkpoints", "monitoring", "memory", "threads", "half-precision"],
      ...["distributed", "where-it-runs", "reliability", "recipes", "recommenders"],
    ],
  },
  { text: "Look up", pages: ["performance", "errors", "faq", "keras-differences"] },
  {
    text: "Numbers",
    pages: ["benchmarks", "environments", "size", "decisions"],
    generated: runPages,
  },
  { text: "Project", pages: ["changes", "contributing", "security"] },
];

/** Pages from outside docs/, by the names they have here. */
export const otherPages = {
  "changes.md": "CHANGELOG.md",
  "contributing.md": "CONTRIBUTING.md",
  "security.md": "SECURITY.md",
};

/** Long tables that nobody searches: they would double the index. */
export const notSearched = [
  ...["benchmarks", ...runPages],
  ...["decisions", "environments", "size", "changes", "contributing"],
];

const title = (path) => /^# (.+)$/m.exec(readFileSync(path, "utf8"))?.[1]?.replaceAll("`", "") ?? path;

/** The groups of pages that are in `folder`; `names` are all its pages. */
export function sections(folder, names) {
  const listed = groups.map(({ text, pages, generated = [] }) => ({
    text,
    pages: [...pages, ...generated].filter((page) => names.includes(page)),
  }));
  const rest = names.filter((name) => name !== "index" && !listed.some(({ pages }) => pages.includes(name)));
  if (rest.length > 0) listed.splice(-1, 0, { text: "More", pages: rest });
  return listed
    .filter(({ pages }) => pages.length > 0)
    .map(({ text, pages }) => ({
      text,
      pages: pages.map((page) => ({ page, title: title(join(folder, `${page}.md`)) })),
    }));
}

/** Only what is a link can be closed: a closable heading would be a button within a button. */
function closable({ text, link, items, collapsed }) {
  return { text, ...(link && { link, collapsed }), ...(items && { items: items.map(closable) }) };
}

/** The sections of a page that show a plot: those of the options, each with and without it. */
function plotted(path) {
  const sections = readFileSync(path, "utf8").split(/^## /m).slice(1);
  return sections.filter((text) => text.includes("\n![")).map((text) => text.split("\n")[0]);
}

/** The anchor of a heading, as GitHub gives it. */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const sectionLink = (page, section) => ({ text: section, link: `/${page}#${anchorOf(section)}` });

/** VitePress' sidebar: the guide, and beside the API's pages those of the API. */
export function sidebar(folder, names) {
  const guide = sections(folder, names).map(({ text, pages }) => ({
    text,
    items: pages.map(({ page, title: words }) => ({
      text: words,
      link: `/${page}`,
      ...(page === "options" && {
        items: plotted(join(folder, `${page}.md`)).map((section) => sectionLink(page, section)),
      }),
    })),
  }));
  const api = join(folder, "api", "typedoc-sidebar.json");
  const items = existsSync(api) ? JSON.parse(readFileSync(api, "utf8")).map(closable) : [];
  for (const item of items) item.collapsed = false;
  return { "/api/": [{ text: "API", items }], "/": guide };
}
