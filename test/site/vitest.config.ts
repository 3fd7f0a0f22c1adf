// The site as it is built (`npm run site`), in Node and in browsers. Apart from the other tests: it installs browsers.
import { defineConfig } from "vitest/config";
import { packageAliases } from "../../site/aliases.mjs";

export default defineConfig({
  resolve: { alias: packageAliases },
  test: { include: ["test/site/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 600_000 },
});
