// A host without JavaScript: Python drives the raw module through wasmtime. python/replay.py is its suite.
import { join } from "node:path";
import { root } from "../../../scripts/tools.mjs";
import { requirements } from "../needs.mjs";
import { SCENARIOS, SHAPES, STEPS } from "../suite.js";

/** @import { Environment } from "../types.js" */

const example = join(root, "examples", "python");
const python = requirements(join(example, "requirements.txt"));

/** @type {readonly Environment[]} */
export const environments = [
  {
    name: "python",
    host: "Python",
    way: "wasmtime, NumPy views of the module's memory",
    entry: "./rmsprop.wasm",
    backend: "wasm-simd128",
    needs: [python],
    async run(kit) {
      const folder = await kit.folder({ "scenarios.json": JSON.stringify({ SCENARIOS, SHAPES, STEPS }) });
      const module = join(folder, kit.file("./rmsprop.wasm"));
      const env = { PYTHONPATH: example, PYTHONDONTWRITEBYTECODE: "1" };
      const line = await kit.execute(python.path, [join(example, "main.py"), module], { cwd: folder, env });
      if (!line.includes("w = 9.683772 (0x411af0bb)")) throw new Error(`the example printed: ${line}`);
      const replay = join(import.meta.dirname, "python", "replay.py");
      const report = await kit.execute(python.path, [replay, module, "scenarios.json"], { cwd: folder, env });
      const version = await kit.execute(python.path, ["-c", "import platform; print(platform.python_version())"]);
      return { version: `${version.trim()}, wasmtime ${python.packages.wasmtime}`, report };
    },
  },
];
