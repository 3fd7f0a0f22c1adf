import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,mjs}"],
    // test:keras has prerequisites of its own.
    exclude: ["test/keras/**"],
    // Against hangs: no test measures time, so a busy machine must not fail one.
    testTimeout: 60_000,
  },
});
