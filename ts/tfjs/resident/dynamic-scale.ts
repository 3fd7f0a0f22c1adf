// One step under a dynamic loss scale, which only the device knows: whether it is skipped, and so every count, is a tensor.

import type { Slot } from "../../generated/codes.js";
import type { Hyperparameters } from "../../generated/hyperparameters.js";
import { defaultRuntime } from "../../memory/runtime.js";
import { learningRateAt } from "../../optimizers/learning-rate.js";
import { callsPerUpdate, coefficients } from "../../rule/coefficients.js";
import { type Form, formOf } from "../../rule/form.js";
import { average, step } from "../../rule/rmsprop.js";
import type { Schedule } from "../../schedules/schedule.js";
import type { TensorFlow, TensorLike } from "../tensorflow.js";
import { norms } from "./norms.js";
import type { Operations } from "./operations.js";
import { arraysOf, onDevice, type Pair, writeOf } from "./step.js";
import type { Entry, Write } from "./variables.js";

/** The rule by which the scale moves. */
export interface ScaleRule {
  readonly initialScale: number;
  readonly growthSteps: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Scalars, in float32: counts are exact to 2²⁴. */
interface Tensors {
  readonly scale: TensorLike;
  /** Finite steps since the scale changed. */
  readonly counter: TensorLike;
  /** Calls that were not skipped. */
  readonly raw: TensorLike;
}

/** Learning rates to begin with in the table of them. */
const TABLE = 1024;

/** The scale, on the device. */
export class DynamicScale {
  readonly #tf: TensorFlow;
  readonly #x: Operations;
  readonly #rule: ScaleRule;
  /** Made at the first use: a backend may not be ready before. */
  #tensors: Tensors | undefined;
  /** Calls with those that were skipped: at least as many as `raw`. */
  #calls = 0;
  #rates: { readonly tensor: TensorLike; readonly of: Schedule } | undefined;

  constructor(tf: TensorFlow, x: Operations, rule: ScaleRule) {
    this.#tf = tf;
    this.#x = x;
    this.#rule = rule;
  }

  get tensors(): Tensors {
    if (!this.#tensors) this.set(this.#rule.initialScale, 0, 0);
    return this.#tensors as Tensors;
  }

  /** Whether there was a call, skipped or not. */
  get began(): boolean {
    return this.#calls > 0;
  }

  set(scale: number, counter: number, raw: number): void {
    this.#take({ scale: this.#kept(scale), counter: this.#kept(counter), raw: this.#kept(raw) });
    this.#calls = raw;
  }

  dispose(): void {
    this.#take(undefined);
    this.#rates?.tensor.dispose();
    this.#rates = undefined;
  }

  /**
   * One call.
   *
   * @returns what it writes, and what then moves the scale.
   */
  step(
    by: Hyperparameters,
    rate: number | Schedule,
    all: readonly Entry[],
    pairs: readonly Pair[],
  ): { readonly writes: readonly Write[]; end(): void } {
    const x = this.#x;
    const { scale, counter, raw } = this.tensors;
    const calls = callsPerUpdate(by);
    const scalars = onDevice(x, coefficients(by, typeof rate === "number" ? rate : 0, calls, 1));
    const isMultiple = (count: TensorLike, of: number) =>
      x.run("Equal", { a: x.run("Mod", { a: count, b: x.constant(of) }), b: x.constant(0) });
    const and = (a: TensorLike, b: TensorLike) => x.run("LogicalAnd", { a, b });

    const flags = pairs.map(({ gradient }) => x.all(x.run("IsFinite", { x: gradient })));
    const finite =
      flags.length === 0 ? x.truth([]) : flags.length === 1 ? (flags[0] as TensorLike) : x.all(x.stack(flags));
    const updates = calls > 1 ? and(finite, isMultiple(x.add(raw, x.constant(1)), calls)) : finite;
    const wide = new Map<TensorLike, Map<string, TensorLike>>();
    /** `t` where the flag is true, else `e`. */
    const pick = (flag: TensorLike, t: TensorLike, e: TensorLike): TensorLike => {
      const shapes = wide.get(flag) ?? new Map<string, TensorLike>();
      wide.set(flag, shapes);
      const spread = shapes.get(String(t.shape)) ?? (t.shape.length === 0 ? flag : and(flag, x.truth(t.shape)));
      shapes.set(String(t.shape), spread);
      return x.select(spread, t, e);
    };

    const eta = typeof rate === "number" ? scalars.eta : this.#rate(rate, raw);
    const form: Form = { ...formOf(by), divides: false };
    const sums = pairs.map(({ entry, gradient }) => {
      const scaled = x.div(gradient, scale);
      const sum = entry.slots.get("gradient_accumulator");
      return calls > 1 && sum ? x.add(scaled, sum) : scaled;
    });
    const gradients = calls > 1 ? sums.map((sum) => x.div(sum, scalars.divisor)) : sums;
    const threshold = by.clipnorm ?? by.globalClipnorm ?? by.clipvalue ?? 0;
    const norm = norms(x, form.clips, scalars, threshold, gradients);
    const writes = new Map<Entry, { slots: Map<Slot, TensorLike>; value: TensorLike | undefined }>();
    pairs.forEach(({ entry }, i) => {
      const own: Form = { ...form, decays: by.weightDecay !== null && entry.decays };
      const arrays = { ...arraysOf(entry, gradients[i] as TensorLike, norm[i]), average: undefined };
      const made = writeOf(entry, step(x, own, { ...scalars, eta }, arrays));
      const slots = new Map(
        [...made.slots].map(([slot, t]) => [slot, pick(updates, t, entry.slots.get(slot) as TensorLike)] as const),
      );
      writes.set(entry, { slots, value: pick(updates, made.value as TensorLike, arrays.value) });
    });

    const given = new Map(pairs.map(({ entry }, i) => [entry, sums[i] as TensorLike]));
    for (const entry of all) {
      const write = writes.get(entry) ?? { slots: new Map<Slot, TensorLike>(), value: undefined };
      writes.set(entry, write);
      const sum = entry.slots.get("gradient_accumulator");
      if (calls > 1 && sum) {
        const added = given.has(entry) ? pick(finite, given.get(entry) as TensorLike, sum) : sum;
        write.slots.set("gradient_accumulator", pick(updates, x.filled(entry.shape, 0), added));
      }
    }

    if (by.useEma) {
      const iteration = calls > 1 ? x.run("Floor", { x: x.div(raw, x.constant(calls)) }) : raw;
      const isFirst = x.run("Equal", { a: iteration, b: x.constant(0) });
      const emaMomentum = x.select(isFirst, x.constant(0), scalars.emaMomentum);
      const weights = { ...scalars, emaMomentum, oneMinusEmaMomentum: x.sub(x.constant(1), emaMomentum) };
      const frequency = by.emaOverwriteFrequency;
      const overwrites = frequency ? and(finite, isMultiple(x.add(iteration, x.constant(1)), frequency)) : undefined;
      for (const [entry, write] of writes) {
        const previous = entry.slots.get("average");
        const value = write.value ?? entry.variable;
        if (!previous || !value) continue;
        const next = pick(finite, average(x, weights, previous, value), previous);
        write.slots.set("average", next);
        if (overwrites) write.value = pick(overwrites, next, value);
      }
    }

    const grown = x.run("Equal", {
      a: counter,
      b: x.constant(Math.max(this.#rule.growthSteps - 1, -(2 ** 31))),
    });
    const bounded = (name: string, to: TensorLike, bound: number) =>
      Number.isFinite(bound) ? x.run(name, { a: to, b: x.constant(Math.fround(bound)) }) : to;
    const half = bounded("Maximum", x.mul(scale, x.constant(0.5)), this.#rule.minimum);
    const twice = bounded("Minimum", x.mul(scale, x.constant(2)), this.#rule.maximum);
    const next: Tensors = {
      scale: x.select(finite, x.select(grown, twice, scale), half),
      counter: x.select(finite, x.select(grown, x.constant(0), x.add(counter, x.constant(1))), x.constant(0)),
      raw: x.select(finite, x.add(raw, x.constant(1)), raw),
    };
    return {
      writes: [...writes].map(([entry, write]) => ({ entry, ...write })),
      end: () => {
        for (const tensor of Object.values(next)) this.#tf.keep(tensor);
        this.#take(next);
        this.#calls++;
      },
    };
  }

  /** The learning rate at a count that the host does not know: looked up in a table of all that it can be. */
  #rate(rate: Schedule, raw: TensorLike): TensorLike {
    const x = this.#x;
    let table = this.#rates?.of === rate ? this.#rates.tensor : undefined;
    if (!table || (table.shape[0] as number) <= this.#calls) {
      const size = Math.max(TABLE, 2 ** Math.ceil(Math.log2(this.#calls + 1)));
      table = this.#tf.tensor(
        Float32Array.from({ length: size }, (_, i) => learningRateAt(rate, i, defaultRuntime())),
        [size],
        "float32",
      );
      this.#tf.keep(table);
      this.#rates?.tensor.dispose();
      this.#rates = { tensor: table, of: rate };
    }
    const size = table.shape[0] as number;
    const isNow = x.run("Equal", { a: x.range(size), b: raw });
    // All but one are 0: the sum is exact in any order. (`GatherV2` reads its index on cpu and wasm.)
    return x.sum(x.select(isNow, table, x.filled([size], 0)));
  }

  #kept(value: number): TensorLike {
    const tensor = this.#tf.tensor(Float32Array.of(value), [], "float32");
    this.#tf.keep(tensor);
    return tensor;
  }

  #take(tensors: Tensors | undefined): void {
    for (const tensor of Object.values(this.#tensors ?? {})) tensor.dispose();
    this.#tensors = tensors;
  }
}
