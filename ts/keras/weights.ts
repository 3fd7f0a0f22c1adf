// The weights in a file of a model: its arrays, but for what optimizers and metrics keep.

import type { Dataset } from "../formats/hdf5-dataset.js";
import { type ModelFile, textsOf } from "./model-file.js";

/** One of the model's weights. */
export interface KerasWeight {
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its type in the file, as NumPy calls it: `float32`, `bfloat16`, … */
  readonly dtype: string;
  /** The name of the layer, `""` if the file does not say it. */
  readonly layer: string;
  /**
   * Its numbers as float32, a copy; those of 16 bits without loss.
   *
   * @throws {CheckpointError} if it does not hold numbers, such as the texts of a lookup table.
   */
  readonly value: Float32Array<ArrayBuffer>;
}

/** An optimizer's arrays in a file. */
export interface KerasOptimizerEntry {
  /** What `optimizerPath` of `readKeras` takes. */
  readonly path: string;
  /** The name that Keras gave it, `""` if the file does not say it. */
  readonly name: string;
  /** How many arrays it has, counters and rates included. */
  readonly arrays: number;
}

/** Where Keras 2's form has the state. */
export const NAMED_STATE = "optimizer_weights";
const VARS = "/vars";
const METRICS = "metrics/";
/** Names that Keras gives to optimizers. */
const KNOWN = /^(rm_?sprop|adam|sgd|nadam|lion|ftrl|lamb|muon|adafactor|adagrad|adadelta|loss_scale)|opt/i;

/** The optimizers in a file: groups with "optimizer" in their name, and groups with Keras' names whose first array is a counter. */
export function findOptimizers(file: ModelFile): KerasOptimizerEntry[] {
  const counts = new Map<string, number>();
  for (const path of file.datasets.keys()) {
    const group = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const found: KerasOptimizerEntry[] = [];
  for (const [group, arrays] of counts) {
    if (!group.endsWith(VARS)) continue;
    const path = group.slice(0, -VARS.length);
    const name = nameOf(file, group);
    const last = path.slice(path.lastIndexOf("/") + 1);
    const isNamedOptimizer = /optimizer/i.test(last);
    if (isNamedOptimizer || ((KNOWN.test(last) || KNOWN.test(name)) && isCounter(file.datasets.get(`${group}/0`)))) {
      found.push({ path, name, arrays });
    }
  }
  const named = textsOf(file, NAMED_STATE, "weight_names");
  if (named.length > 0) found.push({ path: NAMED_STATE, name: "", arrays: named.length });
  // The optimizer inside of a loss scale is listed with that.
  return found.filter(({ path }) => !found.some((outer) => path.startsWith(`${outer.path}/`)));
}

/** Whether it is one integer. */
export const isCounter = (dataset: Dataset | undefined): boolean =>
  dataset !== undefined && dataset.shape.length === 0 && /^u?int/.test(dataset.dtype);

function nameOf({ groups }: ModelFile, group: string): string {
  const name = groups.get(group)?.get("name");
  return typeof name === "string" ? name : "";
}

/** The weights by their paths. */
export function findWeights(
  file: ModelFile,
  optimizers: readonly KerasOptimizerEntry[],
): ReadonlyMap<string, KerasWeight> {
  const found = new Map<string, KerasWeight>();
  const add = (path: string, layer: string) => {
    const dataset = file.datasets.get(path);
    if (dataset) found.set(path, weightOf(dataset, layer));
  };
  if (file.isNamed) {
    // Alphabetical order is no order of weights; these lists are.
    const root = file.groups.has("model_weights") ? "model_weights" : "";
    for (const layer of [...textsOf(file, root, "layer_names"), "top_level_model_weights"]) {
      const group = root === "" ? layer : `${root}/${layer}`;
      for (const name of textsOf(file, group, "weight_names")) add(`${group}/${name}`, layer);
    }
    return found;
  }
  const states = optimizers.map(({ path }) => `${path}/`);
  for (const path of file.datasets.keys()) {
    if (path.startsWith(METRICS) || states.some((state) => path.startsWith(state))) continue;
    add(path, nameOf(file, path.slice(0, Math.max(path.lastIndexOf("/"), 0))));
  }
  return found;
}

function weightOf(dataset: Dataset, layer: string): KerasWeight {
  const { shape, dtype } = dataset;
  return {
    shape,
    dtype,
    layer,
    get value() {
      return dataset.floats;
    },
  };
}
