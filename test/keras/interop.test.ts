/** The trainings that interop.py has begun in Keras go on here, and leave behind what it goes on with. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as hdf5 from "jsfive";
import { LossScaleOptimizer, RMSprop, stringifyConfig, Variable } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { exportNpz, exportSafetensors, type KerasFile, readKeras } from "rmsprop-wasm/keras";
import { expect, it } from "vitest";

const folder = process.env["RMSPROP_KERAS_CASES"]!;
const names = readdirSync(folder).flatMap((name) => /^interop-(\w+)\.keras$/.exec(name)?.[1] ?? []);
const floats = (b64: string) => new Float32Array(Uint8Array.from(Buffer.from(b64, "base64")).buffer);

interface Description {
  readonly optimizer: object;
  readonly shapes: readonly (readonly number[])[];
  /** The values of the trained variables. */
  readonly values: readonly string[];
  /** The gradients of each step that is done here. */
  readonly steps: readonly (readonly string[])[];
}

function optimizerOf({ optimizer }: KerasFile): RMSprop | LossScaleOptimizer {
  return optimizer.class_name === "RMSprop"
    ? RMSprop.fromConfig(optimizer.config)
    : LossScaleOptimizer.fromConfig(optimizer.config);
}

/** Which of the file's weights the model trains: those with the values of the trained variables, each once. */
function trained(file: KerasFile, { shapes, values }: Description): Record<string, Variable> {
  const left = new Map(file.weights);
  const entries = values.map((value, i) => {
    const wanted = Buffer.from(value, "base64");
    const [path] = [...left].find(
      ([, weight]) => String(weight.shape) === String(shapes[i]) && wanted.equals(new Uint8Array(weight.value.buffer)),
    )!;
    left.delete(path);
    return [path, new Variable(new Float32Array(wanted.length / 4), { name: `v${i}`, shape: shapes[i] })] as const;
  });
  // What is left are the moving statistics, which are not trained.
  expect([...left.values()].map(({ layer }) => layer)).toEqual(["norm", "norm"]);
  return Object.fromEntries(entries);
}

it("there are cases", () => expect(names.length).toBeGreaterThan(3));

it.each(names.flatMap((name) => ["keras", "weights.h5"].map((kind) => [name, kind] as const)))(
  "%s.%s",
  (name, kind) => {
    const description: Description = JSON.parse(readFileSync(join(folder, `interop-${name}.json`), "utf8"));
    const options = kind === "keras" ? {} : { optimizer: description.optimizer };
    const file = readKeras(readFileSync(join(folder, `interop-${name}.${kind}`)), hdf5, options);
    const mapping = trained(file, description);
    const variables = Object.values(mapping);
    const optimizer = optimizerOf(file);
    optimizer.build(variables);
    file.loadOptimizer(optimizer);
    file.loadVariables(mapping);
    for (const gradients of description.steps) optimizer.apply(gradients.map(floats));

    const files = {
      "optimizer.json": stringifyConfig(optimizer.getConfig()),
      "optimizer.npz": exportNpz(optimizer.variables),
      "optimizer.safetensors": exportSafetensors(optimizer.variables),
      "values.npz": exportNpz(variables),
      "checkpoint.safetensors": save(optimizer),
    };
    const target = join(folder, `interop-${name}`);
    mkdirSync(target, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      const before = kind === "weights.h5" && readFileSync(join(target, path));
      writeFileSync(join(target, path), content);
      // Both files are of the same training.
      if (before) expect(before.equals(Buffer.from(content)), path).toBe(true);
    }
  },
);
