// TypeDoc's options: the entries are those that are built. From the sources, since declarations of entries share files.
import { fileURLToPath } from "node:url";
import { entries } from "../scripts/entries.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sources = new Set(entries.flatMap(({ source }) => source ?? []));

export default {
  entryPoints: [...sources].map((source) => here(`../ts/${source}.ts`)),
  tsconfig: here("../tsconfig.json"),
  plugin: ["typedoc-plugin-markdown", "typedoc-vitepress-theme", here("typedoc-plugin.mjs")],
  out: here("../build/site/pages/api"),
  docsRoot: here("../build/site/pages"),
  name: "API",
  readme: "none",
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  preservedTypeAnnotationTags: ["@throws"],
  parametersFormat: "table",
  hidePageHeader: true,
  hideBreadcrumbs: false,
  skipErrorChecking: true,
  logLevel: "Error",
  validation: { notExported: false, invalidLink: false, notDocumented: false },
};
