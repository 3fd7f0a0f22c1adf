import { defineConfig } from "vitest/config";

/** Only for run.mjs, which draws the cases first: the ordinary test run leaves this folder out. */
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ["**/*.test.ts"],
    testTimeout: 600_000,
  },
});
