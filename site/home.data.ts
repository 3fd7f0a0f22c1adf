// What the landing page says, out of README.md: its numbers and its doors, where they are generated and tested.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createMarkdownRenderer, defineLoader } from "vitepress";
import { codeTheme } from "./code-theme.mjs";

export interface Figure {
  readonly value: string;
  readonly words: string;
  readonly link: string;
}

export interface Door {
  readonly title: string;
  /** As HTML. */
  readonly answer: string;
  readonly more: string;
  readonly link: string;
  /** The code, highlighted. */
  readonly html: string;
}

export interface HomeData {
  readonly figures: readonly Figure[];
  readonly doors: readonly Door[];
}

declare const data: HomeData;

export { data };

const readme = fileURLToPath(new URL("../README.md", import.meta.url));

export default defineLoader({
  watch: [readme],
  async load(): Promise<HomeData> {
    const text = readFileSync(readme, "utf8");
    const markdown = await createMarkdownRenderer(fileURLToPath(new URL(".", import.meta.url)), {
      theme: codeTheme,
    });
    const doors = doorsOf(text).map(({ code, answer, ...door }) => ({
      ...door,
      answer: markdown.renderInline(answer),
      html: markdown.render(code),
    }));
    return { figures: figuresOf(text), doors };
  },
});

/** The first table: values in its head, words below. */
function figuresOf(text: string): Figure[] {
  const [head, , body] = text.split("\n").filter((line) => line.startsWith("|"));
  if (!head?.includes("**") || !body) return [];
  const words = cells(body);
  return cells(head).map((value, i) => ({
    value: plain(value),
    words: plain(words[i]!),
    link: linkIn(words[i]!),
  }));
}

/** Paragraphs such as "**I use jax-js.** It is a … [More](docs/jax.md)", each with its code. */
function doorsOf(text: string): (Omit<Door, "html"> & { code: string })[] {
  const section = text.split(/^## /m).find((each) => each.startsWith("Start where you are")) ?? "";
  const door = /^\*\*(.+?)\*\* ((?:(?!```)[\s\S])*?)\[([^\]]+)\]\(([^)]+)\)\s+(```ts\n[\s\S]*?^```)/gm;
  return [...section.matchAll(door)].map(([, title, answer, more, link, code]) => ({
    title: plain(title!),
    answer: answer!.replaceAll(/\s+/g, " ").trim(),
    more: more!.replaceAll(/\s+/g, " "),
    link: pageOf(link!),
    code: code!,
  }));
}

const cells = (row: string) =>
  row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

const plain = (markdown: string) =>
  markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll("**", "")
    .replaceAll(/\s+/g, " ");

const linkIn = (markdown: string) => pageOf(/\]\(([^)]+)\)/.exec(markdown)?.[1] ?? "");

/** docs/tfjs.md#gpu as an address of the site. */
const pageOf = (link: string) => link.replace(/^docs\//, "/").replace(/\.md(?=#|$)/, ".html");
