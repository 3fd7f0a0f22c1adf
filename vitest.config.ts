import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // test:keras has prerequisites of its own.
    exclude: ["test/keras/**"],
  },
});
