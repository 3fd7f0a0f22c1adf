// kill -9 while a process trains and saves: the file holds a whole checkpoint, and no step that was reported as saved is lost.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load } from "rmsprop-wasm/checkpoint";

const CHILD = fileURLToPath(new URL("../unit/children/saving.mjs", import.meta.url));

/** Values of the variable: a file of some pages. */
const SIZE = 3000;

/** Lets a process train and save, and kills it `delay` ms after its first word. @param {string} path @param {number} delay @returns {Promise<number>} */
function life(path, delay) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, path, String(SIZE)], { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    let isCounting = false;
    child.stdout.on("data", (text) => {
      output += text;
      if (isCounting) return;
      isCounting = true;
      setTimeout(() => child.kill("SIGKILL"), delay);
    });
    child.on("error", reject);
    child.on("close", () => {
      const steps = [...output.matchAll(/(?:saved|from) (\d+)\n/g)].map(([, step]) => Number(step));
      resolve(Math.max(0, ...steps));
    });
  });
}

/** The step of the checkpoint in the file, which must be whole. @param {string} path */
function stepInFile(path) {
  const w = new Variable(new Float32Array(SIZE), { name: "w" });
  const optimizer = new RMSprop({ momentum: 0.9, learningRate: 0.01, name: "optimizer" });
  optimizer.build([w]);
  load(new Uint8Array(readFileSync(path)), optimizer);
  const { rawIterations } = optimizer;
  optimizer.free();
  w.free();
  return rawIterations;
}

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "kills",
  what: "kill -9 while saving",
  property: () =>
    fc.asyncProperty(fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }), async (delays) => {
      const folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
      const path = join(folder, "run.safetensors");
      try {
        let saved = 0;
        for (const delay of delays) {
          saved = Math.max(saved, await life(path, delay));
          if (saved === 0) continue;
          const step = stepInFile(path);
          if (step < saved) throw new Error(`step ${saved} was saved, and the file has ${step}`);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
};
