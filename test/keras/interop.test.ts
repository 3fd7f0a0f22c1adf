/** The trainings that interop.py has begun in Keras go on here, and leave behind what it goes on with. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LossScaleOptimizer, RMSprop, stringifyConfig, Variable } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { exportNpz, exportSafetensors, type KerasFile, readKeras } from "rmsprop-wasm/keras";
import { expect, it } from "vitest";

const folder = join(process.env["RMSPROP_KERAS_CASES"]!, "interop");
const names = readdirSync(folder);
const floats = (b64: string) => new Float32Array(Uint8Array.from(Buffer.from(b64, "base64")).buffer);

interface Description {
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
    const path = (file: string) => join(folder, name, file);
    const read = (file: string) => readFileSync(path(file), "utf8");
    const description: Description = JSON.parse(read("description.json"));
    const options = kind === "keras" ? {} : { optimizer: read("serialized.json") };
    const file = readKeras(readFileSync(path(`model.${kind}`)), options);
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
      "run.safetensors": save(optimizer),
    };
    for (const [name, content] of Object.entries(files)) {
      const before = kind === "weights.h5" && readFileSync(path(name));
      writeFileSync(path(name), content);
      // Both files are of the same training.
      if (before) expect(before.equals(Buffer.from(content)), name).toBe(true);
    }
  },
);
