import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,mjs}"],
    // Against hangs; a machine that is busy is no failure.
    testTimeout: 60_000,
    // test:keras has prerequisites of its own.
    exclude: ["test/keras/**"],
    // No test measures time, so a busy machine must not fail one.
    testTimeout: 60_000,
  },
});
