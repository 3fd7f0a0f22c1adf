// JavaScriptCore's shell: WebKit's engine with nothing around it.
import { apt, aptVersion } from "../needs.mjs";

/** @import { Backend, Environment, Variables } from "../types.js" */

const DEBIAN = "libjavascriptcoregtk-4.0-bin";
const jsc = apt(DEBIAN, "/usr/bin/jsc");

/**
 * @param {string} name
 * @param {string} way
 * @param {Backend} backend
 * @param {Variables} [env]
 * @returns {Environment}
 */
const shell = (name, way, backend, env) => ({
  name: `jsc-${name}`,
  host: "JavaScriptCore",
  way,
  entry: ".",
  backend,
  needs: [jsc],
  async run(kit) {
    const main = kit.main(".", `./${kit.file(".")}`);
    // The shell has no console.
    const folder = await kit.folder({ "main.mjs": main.replace("console.log(", "print(") });
    const report = await kit.execute(jsc.path, ["-m", "main.mjs"], { cwd: folder, env });
    return { version: aptVersion(DEBIAN), report };
  },
});

/** @type {readonly Environment[]} */
export const environments = [
  shell("module", "shell, ES modules", "wasm-simd128"),
  shell("no-simd", "shell, no SIMD", "js", { JSC_useWasmSIMD: "0" }),
  shell("no-jit", "shell, no JIT", "js", { JSC_useJIT: "0" }),
  shell("no-wasm", "shell, no WebAssembly", "js", { JSC_useWasm: "0" }),
];
