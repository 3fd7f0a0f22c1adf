// What knip takes for used. package.json cannot tell it: the sources of dist, what rollup.config.mjs puts in, what is run by hand.
import { sources } from "./scripts/entries.mjs";

export default {
  workspaces: {
    ".": {
      entry: [
        ...sources.map((source) => `ts/${source}`),
        "ts/kernel/*.ts",
        "ts/threads/worker.ts",
        "ts/cli/main.ts",
        "examples/*/main.ts",
        // Bundled when it is asked for.
        "examples/distributed/page.ts",
        "scripts/*.mjs",
        "bench/{run,docs,hostile-headers}.mjs",
        "bench/adapters/*.mjs",
        "bench/contestants/{ours,javascript,serve}.mjs",
        "bench/startup/{,parts-,engine-}child.mjs",
        "bench/startup/empty.js",
        "test/**/*.{js,mjs}",
        "test/runtime/environments/typescript/*.{ts,cts}",
        "test/**/vitest.config.ts",
        "test/**/*.test.ts",
        "test/gpu/*.d.ts",
      ],
    },
    // With lock files of their own.
    "bench/peers": { entry: "*.mjs" },
    site: {
      entry: ["*.{mjs,ts}", "components/{*.vue,empty-part.ts}", "live/*/{page,worker}.ts"],
      // The tests read one as a file; the other is what @mdit/plugin-katex asks for.
      ignoreDependencies: ["axe-core", "katex"],
    },
  },
  // Projects of their own, which test/examples runs.
  ignore: ["examples/*/{src/**,*.js,*.mjs}"],
  ignoreExportsUsedInFile: true,
  // Declared in ts/kernel/modules.d.ts, resolved in rollup.config.mjs.
  ignoreUnresolved: ["#wasm/.*", "#worker", "\\./((threads-)?suite|storage)\\.js"],
  // test/gpu/run.mjs installs them beside the tools of test/runtime.
  ignoreDependencies: ["@tensorflow/tfjs-backend-webgl", "@tensorflow/tfjs-backend-webgpu"],
  ignoreBinaries: ["chrt", "dpkg-query", "mkfifo", "nats-server", "openssl", "rustc", "rustup"],
};
