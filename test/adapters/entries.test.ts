// The adapters' entries as programs use them: the examples, and the classes that they share with the entry beside them.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });

describe("examples", () => {
  it.each([
    ["tfjs", /^saved and loaded after 450 steps$/m],
    ["jax", /^step 150: loss 0\.0\d+$/m],
  ])(
    "%s reads handwritten digits",
    (name, line) => {
      const output = node(`build/examples/${name}/main.js`);
      expect(output).toMatch(line);
      const [, percent] = /([\d.]+) % of 360 held-out digits are read/.exec(output) ?? [];
      expect(Number(percent)).toBeGreaterThan(95);
    },
    60_000,
  );
});

describe.each([
  ["by default", [], "wasm-simd128"],
  ["on the edge", ["--conditions=edge-light"], "js"],
])("%s", (_, flags, backend) => {
  it("the adapters share the classes of `rmsprop-wasm`, and the backend", () => {
    const script = `
      import * as tf from "@tensorflow/tfjs-core";
      import "@tensorflow/tfjs-backend-cpu";
      import { numpy as np } from "@jax-js/jax";
      import { backend, CheckpointError, RMSprop } from "rmsprop-wasm";
      import * as tfjs from "rmsprop-wasm/tfjs";
      import * as jax from "rmsprop-wasm/jax";
      tf.enableProdMode();
      const w = tf.variable(tf.scalar(10));
      const optimizer = tfjs.rmsprop(tf, { learningRate: 0.1 });
      optimizer.applyGradients({ [w.name]: tf.scalar(10) });
      const solver = jax.rmsprop({ learningRate: 0.1 });
      const [updates] = solver.update(np.array([10]), solver.init(np.array([10])));
      const refused = await optimizer.setWeights([]).catch((error) => error);
      console.log(JSON.stringify([
        backend(), w.dataSync()[0], np.array([10]).add(updates).dataSync()[0],
        optimizer.core instanceof RMSprop, refused instanceof CheckpointError,
      ]));`;
    const output = node(...flags, "--input-type=module", "--eval", script);
    expect(JSON.parse(output)).toEqual([backend, Math.fround(9.683772), Math.fround(9.683772), true, true]);
  });
});
