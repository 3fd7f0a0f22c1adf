import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,mjs}"],
    // test:keras and test:site have prerequisites of their own.
    exclude: ["test/keras/**", "test/site/**"],
    // Against hangs: no test measures time, so a busy machine must not fail one.
    testTimeout: 60_000,
  },
});
