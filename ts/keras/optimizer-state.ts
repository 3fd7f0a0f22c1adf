// An optimizer's arrays in a file, each by what it is.
//
// In `optimizer/vars`, Keras numbers them without saying what they are: which options were on decides. In the `.h5` of
// Keras 2's form they have names.

import type { Dataset } from "../formats/hdf5-dataset.js";
import { SLOTS, type Slot } from "../generated/codes.js";
import { TENSORFLOW } from "../rule/slot-names.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { type ModelFile, textsOf } from "./model-file.js";
import { innerOf, isOfKeras2, type KerasOptimizer, type KerasRMSprop, rateOf, slotsOf } from "./optimizer-config.js";
import { isCounter, NAMED_STATE } from "./weights.js";

/** An optimizer's state. */
export interface OptimizerState {
  /** Counters and rates by their names; those of a loss scale are its own. */
  readonly scalars: ReadonlyMap<string, Dataset>;
  /** The same of the optimizer inside of a loss scale. */
  readonly inner: ReadonlyMap<string, Dataset> | undefined;
  /** By the kind of state, one array per variable. */
  readonly slots: ReadonlyMap<string, readonly Dataset[]>;
}

/** The arrays of the optimizer at this path, in Keras' order. */
export function arraysAt(file: ModelFile, path: string): Dataset[] {
  const get = (name: string) => file.datasets.get(name);
  if (path === NAMED_STATE) {
    return textsOf(file, path, "weight_names").map((name) => {
      const dataset = get(`${path}/${name}`);
      if (dataset) return dataset;
      throw new CheckpointError(`The file has no array ${show(`${path}/${name}`)}, which it lists.`);
    });
  }
  const found: Dataset[] = [];
  for (let i = 0; ; i++) {
    const dataset = get(`${path}/vars/${i}`);
    if (!dataset) return found;
    found.push(dataset);
  }
}

const isScalar = ({ shape }: Dataset) => shape.length === 0;

/** Whether numbered arrays begin as those of a LossScaleOptimizer do: with its own four numbers, then the inner counter. */
export function isScaled(arrays: readonly Dataset[]): boolean {
  const [iteration, rate, counter, scale, inner] = arrays;
  return (
    isCounter(iteration) &&
    isCounter(counter) &&
    isCounter(inner) &&
    [rate, scale].every((x) => x && isScalar(x) && !isCounter(x))
  );
}

/** The state in arrays that are numbered. */
export function numberedState(arrays: readonly Dataset[], optimizer: KerasOptimizer, version?: string): OptimizerState {
  const rmsprop = innerOf(optimizer);
  const own = isScaled(arrays) ? ["iteration", "learning_rate", "step_counter", "dynamic_scale"] : [];
  const names = ["iteration", ...(rateOf(rmsprop) === undefined || isOfKeras2(rmsprop) ? [] : ["learning_rate"])];
  const take = (keys: readonly string[], from: number) =>
    new Map(keys.map((key, i) => [key, scalarAt(arrays, from + i, key)]));
  const outer = take(own, 0);
  const scalars = take(names, own.length);
  const slots = slotArrays(arrays.slice(own.length + names.length), rmsprop, version);
  return own.length > 0 ? { scalars: outer, inner: scalars, slots } : { scalars, inner: undefined, slots };
}

function scalarAt(arrays: readonly Dataset[], i: number, name: string): Dataset {
  const array = arrays[i];
  if (array && isScalar(array)) return array;
  throw new CheckpointError(
    `The file's optimizer has ${array ? `an array of shape [${array.shape}]` : "nothing"} as its ${name} (${i}): it was saved with other options than ${array ? "its configuration says" : "it says"}.`,
  );
}

function slotArrays(arrays: readonly Dataset[], optimizer: KerasRMSprop, version?: string): Map<string, Dataset[]> {
  const slots = slotsOf(optimizer);
  const count = arrays.length / slots.length;
  if (!Number.isInteger(count)) {
    throw new CheckpointError(
      `The file's optimizer has ${arrays.length} arrays of state, its configuration keeps ${slots.length} for each variable (${slots.join(", ")}): it was saved with other options.`,
    );
  }
  const grouped = new Map(slots.map((slot, i) => [slot, arrays.slice(i * count, (i + 1) * count)]));
  const state = inOrder(grouped, arrays, version);
  if (fits(state)) return state;
  throw new CheckpointError(
    `The file's optimizer has ${arrays.length} arrays of state, but not each variable's ${slots.join(", ")}: it was saved with other options.`,
  );
}

/** Whether the arrays of each variable have one shape. */
const fits = (state: Map<string, Dataset[]>): boolean =>
  (state.get("velocity") ?? []).every((velocity, i) =>
    [...state.values()].every((arrays) => String(arrays[i]?.shape) === String(velocity.shape)),
  );

/** Before 3.10, Keras had averages and accumulators together for each variable. */
function inOrder(
  grouped: Map<string, Dataset[]>,
  arrays: readonly Dataset[],
  version?: string,
): Map<string, Dataset[]> {
  if (!grouped.has("average") || !grouped.has("gradient_accumulator")) return grouped;
  const length = arrays.length / grouped.size;
  const paired = new Map(grouped);
  paired.set(
    "average",
    Array.from({ length }, (_, i) => arrays[2 * i] as Dataset),
  );
  paired.set(
    "gradient_accumulator",
    Array.from({ length }, (_, i) => arrays[2 * i + 1] as Dataset),
  );
  const [major = 0, minor = 0] = version?.split(".").map(Number) ?? [];
  if (version !== undefined) return major > 3 || (major === 3 && minor >= 10) ? grouped : paired;
  if (length > 1 && fits(grouped) && fits(paired)) {
    throw new CheckpointError(
      "Keras before 3.10 and since keep averages and accumulators in another order, and the file does not say its version: save it as .keras.",
    );
  }
  return fits(paired) ? paired : grouped;
}

/** The slots by Keras 3's names and by Keras 2's. */
const slotsByName = (): ReadonlyMap<string, Slot> =>
  new Map(SLOTS.flatMap((slot) => [TENSORFLOW[slot] ?? slot, slot].map((name) => [name, slot] as const)));

const SCALARS: readonly string[] = ["iteration", "learning_rate", "step_counter", "dynamic_scale"];

/** The state in arrays that have names: `RMSprop/velocity/dense/kernel:0`, `rms:0` behind that, or `dense_kernel_velocity`. */
export function namedState(arrays: readonly Dataset[]): OptimizerState {
  const lists = [new Map<string, Dataset>(), new Map<string, Dataset>()] as const;
  const slots = new Map<string, Dataset[]>();
  const names = slotsByName();
  for (const array of arrays) {
    const parts = array.path
      .slice(NAMED_STATE.length + 1)
      .replace(/:\d+$/, "")
      .split("/");
    const last = parts[parts.length - 1] as string;
    const scalar = last === "iter" ? "iteration" : last;
    if (isScalar(array) && SCALARS.includes(scalar)) {
      // The second iteration is that of the optimizer inside.
      (lists[0].has(scalar) ? lists[1] : lists[0]).set(scalar, array);
      continue;
    }
    const suffix = [...names.keys()].find((name) => last.endsWith(`_${name}`));
    const name = [last, ...parts].find((part) => names.has(part)) ?? suffix;
    const slot = names.get(name ?? "");
    if (slot === undefined)
      throw new CheckpointError(`The file's array ${show(array.path)} is no state of an RMSprop.`);
    const list = slots.get(slot) ?? [];
    list.push(array);
    slots.set(slot, list);
  }
  const [scalars, inner] = lists;
  return { scalars, inner: scalars.has("dynamic_scale") ? inner : undefined, slots };
}
