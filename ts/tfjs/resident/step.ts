// One step whose counts the host knows: all but those under a dynamic loss scale.

import type { Slot } from "../../generated/codes.js";
import type { Hyperparameters } from "../../generated/hyperparameters.js";
import type { CheckedMeasure } from "../../optimizers/measure.js";
import { type Coefficients, callsPerUpdate, coefficients, mapCoefficients } from "../../rule/coefficients.js";
import { decayOf, type Form, formOf } from "../../rule/form.js";
import { type Arrays, average, type State, step, type Updated } from "../../rule/rmsprop.js";
import type { TensorFlow, TensorLike } from "../tensorflow.js";
import type { Kernel } from "./kernel.js";
import { runKernel } from "./kernels.js";
import { NO_NORMS, type StepRecord } from "./last-step.js";
import { clipsByNorm, gradientNorms, updateNorm } from "./norms.js";
import type { Operations } from "./operations.js";
import type { Entry, Write } from "./variables.js";

/** A gradient and the state it moves. */
export interface Pair {
  readonly entry: Entry;
  readonly gradient: TensorLike;
}

/** What the formula takes of an entry's state. */
export function arraysOf(entry: Entry, gradient: TensorLike, norm?: TensorLike): Arrays<TensorLike> {
  const { gradient_accumulator, ...state } = Object.fromEntries(entry.slots) as State<TensorLike>;
  return { ...state, value: entry.variable as TensorLike, gradient, norm };
}

/** What the formula made. */
export function writeOf(entry: Entry, { value, ...state }: Partial<Updated<TensorLike>>): Write {
  return { entry, slots: new Map(Object.entries(state) as [Slot, TensorLike][]), value };
}

/** float32(η · multiplier) as a tensor. */
export const etaOnDevice = (x: Operations, eta: number, multiplier: number): TensorLike =>
  x.changing(`eta * ${multiplier}`, Math.fround(eta * multiplier));

/** A variable's weight decay as a tensor. */
export const lambdaOnDevice = (x: Operations, lambda: number): TensorLike => x.changing(`lambda = ${lambda}`, lambda);

/** The scalars as tensors. */
export const onDevice = (x: Operations, numbers: Coefficients): Coefficients<TensorLike> =>
  mapCoefficients(numbers, (_, value) => x.constant(value));

/** What a step is over. */
export interface Call {
  readonly all: readonly Entry[];
  /** Those of them that have gradients, and are trained. */
  readonly pairs: readonly Pair[];
  readonly measure: CheckedMeasure;
}

/** What a step writes, and what it did. */
export interface Step {
  readonly writes: readonly Write[];
  readonly record: StepRecord;
}

/** Call number `raw` (from 0), with the learning rate `eta`. */
export function stepOf(
  tf: TensorFlow,
  x: Operations,
  kernel: Kernel<never> | undefined,
  by: Hyperparameters,
  { raw, eta, all, pairs, measure }: Call & { readonly raw: number; readonly eta: number },
): Step {
  const calls = callsPerUpdate(by);
  const iteration = Math.floor(raw / calls);
  const updates = (raw + 1) % calls === 0;
  const { emaOverwriteFrequency: frequency, lossScaleFactor } = by;
  const overwrites = by.useEma && !!frequency && (iteration + 1) % frequency === 0;
  const scale = lossScaleFactor === null ? undefined : Math.fround(lossScaleFactor);
  const known = { learningRate: eta, lossScale: scale ?? 1, finite: null, updates: null };
  const numbers = coefficients(by, iteration);
  const scalars = onDevice(x, numbers);
  const form: Form = { ...formOf(by), overwrites };

  /** The moving average of a variable that the formula does not update now. */
  const averaged = (entry: Entry, slots: Map<Slot, TensorLike> = new Map()): Write => {
    const { variable, slots: old, options } = entry;
    const previous = old.get("average");
    if (!variable || !previous) return { entry, slots, value: undefined };
    const next = average(x, scalars, previous, variable);
    // Not the same tensor twice: the next step may write into the average.
    return {
      entry,
      slots: slots.set("average", next),
      value: overwrites && options.trainable ? x.copy(next) : undefined,
    };
  };

  const sums =
    calls > 1
      ? pairs.map(({ entry, gradient }) => {
          const scaled = scale === undefined ? gradient : x.div(gradient, x.constant(scale));
          return x.add(scaled, entry.slots.get("gradient_accumulator") as TensorLike);
        })
      : [];
  const given = new Set(pairs.map(({ entry }) => entry));
  const emptied = (entry: Entry): Map<Slot, TensorLike> =>
    calls > 1 && updates ? new Map([["gradient_accumulator", x.filled(entry.shape, 0).clone()]]) : new Map();
  const others = all.filter((entry) => !given.has(entry)).map((entry) => averaged(entry, emptied(entry)));
  if (!updates) {
    const summed = pairs.map(({ entry }, i) =>
      averaged(entry, new Map([["gradient_accumulator", sums[i] as TensorLike]])),
    );
    return { writes: [...summed, ...others], record: { ...known, outcome: "accumulated", ...NO_NORMS } };
  }

  let gradients = pairs.map(({ gradient }, i) => sums[i] ?? gradient);
  const needsNorms = clipsByNorm(form.clips) || measure.gradientNorm;
  // Norms are those of divided gradients: then these are divided once.
  if (needsNorms && form.divides) gradients = gradients.map((g) => x.div(g, scalars.divisor));
  const divides = form.divides && !needsNorms;
  const { clipping, ...norms } = gradientNorms(x, by, form.clips, scalars, measure.gradientNorm, gradients);
  const cleared = pairs.map(({ entry }) => emptied(entry));
  // Last, because a kernel may write in place: what can fail has been done.
  const updated = pairs.map(({ entry }, i) => {
    const { learningRateMultiplier: multiplier, weightDecay } = entry.options;
    const { terms, lambda } = decayOf(by, weightDecay);
    const own: Form = { ...form, divides, ...terms };
    const c = { ...numbers, eta: Math.fround(eta * multiplier), lambda };
    const arrays = arraysOf(entry, gradients[i] as TensorLike, clipping[i]);
    if (kernel) return writeOf(entry, runKernel(tf, kernel, own, c, arrays));
    const tensors = { ...scalars, eta: etaOnDevice(x, eta, multiplier), lambda: lambdaOnDevice(x, lambda) };
    const made = step(x, own, tensors, arrays);
    return writeOf(entry, own.overwrites && made.average ? { ...made, value: x.copy(made.average) } : made);
  });
  const writes = [
    ...updated.map(({ slots, ...rest }, i) => ({ ...rest, slots: new Map([...slots, ...(cleared[i] ?? [])]) })),
    ...others,
  ];
  // Only now: it needs the values that the kernels made.
  const change = measure.updateNorm ? updateNorm(x, writes) : null;
  return { writes, record: { ...known, outcome: "updated", ...norms, updateNorm: change } };
}
