// One step under a dynamic loss scale, which only the device knows: whether it is skipped, and so every count, is a tensor.

import type { Slot } from "../../generated/codes.js";
import type { Hyperparameters } from "../../generated/hyperparameters.js";
import { defaultRuntime } from "../../memory/runtime.js";
import { type LearningRate, lockedLearningRateAt } from "../../optimizers/learning-rate.js";
import { type Coefficients, callsPerUpdate, coefficients } from "../../rule/coefficients.js";
import { conditionalAverage, conditionalStep, type Flags, overwritten } from "../../rule/conditional.js";
import { decayOf, type Form, formOf } from "../../rule/form.js";
import { prepared } from "../../rule/rmsprop.js";
import type { TensorFlow, TensorLike } from "../tensorflow.js";
import { CONTROLS, type Controls } from "./controls.js";
import type { Kernel } from "./kernel.js";
import { runKernel } from "./kernels.js";
import { NO_NORMS } from "./last-step.js";
import { clipsByNorm, type GradientNorms, gradientNorms, updateNorm } from "./norms.js";
import type { Operations } from "./operations.js";
import { arraysOf, type Call, etaOnDevice, lambdaOnDevice, onDevice, type Pair, type Step, writeOf } from "./step.js";
import type { Write } from "./variables.js";

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

/** What a schedule gives, evaluated ahead. */
interface Rates {
  readonly of: LearningRate;
  readonly values: Float32Array;
  /** How many there are; the others are 0. */
  readonly count: number;
  /** The values on the device, each times a variable's multiplier. */
  readonly tables: Map<number, TensorLike>;
}

/** Scalars of variables with the same learning rate, and as a kernel reads them. */
interface OwnScalars {
  readonly own: Coefficients<TensorLike>;
  readonly controls: TensorLike | undefined;
}

/** The scale, on the device. */
export class DynamicScale {
  readonly #tf: TensorFlow;
  readonly #x: Operations;
  readonly #rule: ScaleRule;
  /** Made at the first use: a backend may not be ready before. */
  #tensors: Tensors | undefined;
  #rates: Rates | undefined;

  constructor(tf: TensorFlow, x: Operations, rule: ScaleRule) {
    this.#tf = tf;
    this.#x = x;
    this.#rule = rule;
  }

  get tensors(): Tensors {
    if (!this.#tensors) this.set(0, this.#rule.initialScale, 0);
    return this.#tensors as Tensors;
  }

  /** Without a scale, as tfjs' own weights are, it stays. */
  set(raw: number, scale?: number, counter?: number): void {
    const made = (value: number) => this.#tf.tensor(Float32Array.of(value), [], "float32");
    const next = {
      scale: scale === undefined ? this.tensors.scale.clone() : made(scale),
      counter: counter === undefined ? this.tensors.counter.clone() : made(counter),
      raw: made(raw),
    };
    this.#take(next);
  }

  dispose(): void {
    this.#take(undefined);
    this.forget();
  }

  /** Disposes of the tables of rates: those of some multipliers may not be needed again. */
  forget(): void {
    for (const table of this.#rates?.tables.values() ?? []) table.dispose();
    this.#rates?.tables.clear();
  }

  /**
   * Evaluates a schedule as far as the call after `calls` calls may need it.
   *
   * @returns the rate at that number, though the device may have counted fewer.
   * @throws what the schedule throws there.
   */
  evaluate(rate: LearningRate, calls: number): number {
    if (typeof rate === "number") return rate;
    if (this.#rates?.of === rate && calls < this.#rates.count) return this.#rates.values[calls] as number;
    const values = new Float32Array(Math.max(TABLE, 2 ** Math.ceil(Math.log2(calls + 1))));
    let count = 0;
    try {
      for (; count < values.length; count++) values[count] = lockedLearningRateAt(rate, count, defaultRuntime());
    } catch (error) {
      // A later step may be one that never comes.
      if (count <= calls) throw error;
    }
    this.forget();
    this.#rates = { of: rate, values, count, tables: new Map() };
    return values[calls] as number;
  }

  /**
   * One call, after `evaluate`.
   *
   * @returns what it writes and did, and what then moves the scale.
   */
  step(
    kernel: Kernel<never> | undefined,
    by: Hyperparameters,
    rate: LearningRate,
    { all, pairs, measure }: Call,
  ): Step & { end(): void } {
    const x = this.#x;
    const { scale, raw } = this.tensors;
    const calls = callsPerUpdate(by);
    const numbers = coefficients(by, 1);
    const scalars = onDevice(x, numbers);
    const finite = this.#allFinite(pairs);
    const updates = calls > 1 ? this.#endsPeriod(calls, raw, finite) : finite;
    const { overwrites, ...weights } = by.useEma ? this.#averaging(by, scalars, finite) : { overwrites: undefined };
    const chosen: Flags<TensorLike> = { finite, updates, overwrites };
    const etaOf =
      typeof rate === "number" ? (multiplier: number) => etaOnDevice(x, rate, multiplier) : this.#rateAt(raw);
    const eta = etaOf(1);
    const divisor = calls > 1 ? scalars.divisor : by.maximize ? x.mul(scale, x.constant(-1)) : scale;
    const c: Coefficients<TensorLike> = { ...scalars, ...weights, eta, divisor };

    const sums = pairs.map(({ entry, gradient }) => {
      const sum = entry.slots.get("gradient_accumulator");
      return calls > 1 && sum ? x.add(x.div(gradient, scale), sum) : gradient;
    });
    const form: Form = { ...formOf(by), divides: true, overwrites: overwrites !== undefined };
    const gradients = this.#clipped(by, form, c, measure.gradientNorm, sums);

    const next = this.#next(finite);
    const given = new Map(pairs.map(({ entry }, i) => [entry, sums[i] as TensorLike]));
    const others = all.map((entry): Write => {
      const slots = new Map<Slot, TensorLike>();
      const old = entry.slots.get("gradient_accumulator");
      if (calls > 1 && old) {
        const sum = given.get(entry);
        const added = sum ? x.where(finite, sum, old) : old;
        slots.set("gradient_accumulator", x.where(updates, x.filled(entry.shape, 0), added));
      }
      const { variable } = entry;
      const previous = entry.slots.get("average");
      if (given.has(entry) || !variable || !previous) return { entry, slots, value: undefined };
      const average = conditionalAverage(x, c, chosen, previous, variable);
      slots.set("average", average);
      const isOverwritten = overwrites !== undefined && entry.options.trainable;
      return { entry, slots, value: isOverwritten ? overwritten(x, chosen, variable, average) : undefined };
    });
    const multipliers = new Set(pairs.map(({ entry }) => entry.options.learningRateMultiplier));
    const ownScalars = new Map<number, OwnScalars>(
      [...multipliers].map((multiplier) => {
        const own = multiplier === 1 ? c : { ...c, eta: etaOf(multiplier) };
        return [multiplier, { own, controls: kernel && this.#controls(chosen, own) }];
      }),
    );
    // Last, because a kernel may write in place: what can fail has been done.
    const updated = pairs.map(({ entry }, i): Write => {
      const decay = decayOf(by, entry.options.weightDecay);
      const { lambda } = decay;
      const terms: Form = { ...form, ...gradients.form, ...decay.terms };
      const arrays = arraysOf(entry, gradients.list[i] as TensorLike);
      const { own, controls } = ownScalars.get(entry.options.learningRateMultiplier) as OwnScalars;
      if (kernel) {
        return writeOf(entry, runKernel(this.#tf, kernel, terms, { ...numbers, lambda }, arrays, controls));
      }
      return writeOf(entry, conditionalStep(x, terms, { ...own, lambda: lambdaOnDevice(x, lambda) }, chosen, arrays));
    });
    const writes = [...others, ...updated];
    return {
      writes,
      record: {
        ...{ outcome: null, learningRate: typeof rate === "number" ? rate : eta, lossScale: scale, finite, updates },
        ...gradients.norms,
        updateNorm: measure.updateNorm ? updateNorm(x, writes) : null,
      },
      end: () => this.#take(next),
    };
  }

  /** Whether all gradients are finite. */
  #allFinite(pairs: readonly Pair[]): TensorLike {
    const x = this.#x;
    const flags = pairs.map(({ gradient }) => x.all(x.run("IsFinite", { x: gradient })));
    const [first = x.truth([])] = flags;
    return flags.length > 1 ? x.all(x.stack(flags)) : first;
  }

  /** Whether the call or iteration after `count` ends a period of this length, and the flag is set. */
  #endsPeriod(period: number, count: TensorLike, flag: TensorLike): TensorLike {
    const x = this.#x;
    const rest = x.run("Mod", { a: x.add(count, x.constant(1)), b: x.constant(period) });
    return x.run("LogicalAnd", { a: flag, b: x.run("Equal", { a: rest, b: x.constant(0) }) });
  }

  /** The scalars of the moving averages in this call, and whether they overwrite the variables. */
  #averaging(
    by: Hyperparameters,
    c: Coefficients<TensorLike>,
    finite: TensorLike,
  ): Pick<Coefficients<TensorLike>, "emaMomentum" | "oneMinusEmaMomentum"> & Pick<Flags<TensorLike>, "overwrites"> {
    const x = this.#x;
    const [{ raw }, calls, frequency] = [this.tensors, callsPerUpdate(by), by.emaOverwriteFrequency];
    const iteration = calls > 1 ? x.run("Floor", { x: x.div(raw, x.constant(calls)) }) : raw;
    const isFirst = x.run("Equal", { a: iteration, b: x.constant(0) });
    const emaMomentum = x.select(isFirst, x.constant(0), c.emaMomentum);
    return {
      emaMomentum,
      oneMinusEmaMomentum: x.sub(x.constant(1), emaMomentum),
      overwrites: frequency ? this.#endsPeriod(frequency, iteration, finite) : undefined,
    };
  }

  /** Gradients clipped by their norms, if they are to be; what the formula then need not do, for norms are more than a kernel reads. */
  #clipped(
    by: Hyperparameters,
    form: Form,
    c: Coefficients<TensorLike>,
    isMeasured: boolean,
    sums: readonly TensorLike[],
  ): {
    readonly list: readonly TensorLike[];
    readonly form: Partial<Form>;
    readonly norms: Omit<GradientNorms, "clipping">;
  } {
    const clips = clipsByNorm(form.clips);
    if (!clips && !isMeasured) return { list: sums, form: {}, norms: NO_NORMS };
    const x = this.#x;
    const undivided: Form = { ...form, divides: false };
    const divided = sums.map((sum) => x.div(sum, c.divisor));
    const { clipping, ...norms } = gradientNorms(x, by, form.clips, c, isMeasured, divided);
    if (!clips) return { list: divided, form: { divides: false }, norms };
    return {
      list: divided.map((g, i) => prepared(x, undivided, c, g, clipping[i])),
      form: { divides: false, clips: "no" },
      norms,
    };
  }

  /** Flags and scalars as the kernels read them: packed on webgl, once for all. */
  #controls(flags: Flags<TensorLike>, c: Coefficients<TensorLike>): TensorLike {
    const x = this.#x;
    const number = (flag: TensorLike | undefined) =>
      flag ? x.select(flag, x.constant(1), x.constant(0)) : x.constant(0);
    const values: Controls<TensorLike> = {
      finite: number(flags.finite),
      updates: number(flags.updates),
      overwrites: number(flags.overwrites),
      eta: c.eta,
      divisor: c.divisor,
      emaMomentum: c.emaMomentum,
      oneMinusEmaMomentum: c.oneMinusEmaMomentum,
    };
    return x.copy(x.stack(CONTROLS.map((name) => values[name])));
  }

  /** The scale and the counts after this call. */
  #next(finite: TensorLike): Tensors {
    const x = this.#x;
    const { scale, counter, raw } = this.tensors;
    const grown = x.run("Equal", {
      a: counter,
      b: x.constant(Math.max(this.#rule.growthSteps - 1, -(2 ** 31))),
    });
    const bounded = (name: string, to: TensorLike, bound: number) =>
      Number.isFinite(bound) ? x.run(name, { a: to, b: x.constant(Math.fround(bound)) }) : to;
    const half = bounded("Maximum", x.mul(scale, x.constant(0.5)), this.#rule.minimum);
    const twice = bounded("Minimum", x.mul(scale, x.constant(2)), this.#rule.maximum);
    return {
      scale: x.select(finite, x.select(grown, twice, scale), half),
      counter: x.select(finite, x.select(grown, x.constant(0), x.add(counter, x.constant(1))), x.constant(0)),
      raw: x.select(finite, x.add(raw, x.constant(1)), raw),
    };
  }

  /** The learning rate, times a multiplier, at a count that the host does not know: looked up in a table of all that it can be. */
  #rateAt(raw: TensorLike): (multiplier: number) => TensorLike {
    const x = this.#x;
    const { values, tables } = this.#rates as Rates;
    const size = values.length;
    const isNow = x.run("Equal", { a: x.range(size), b: raw });
    return (multiplier) => {
      let table = tables.get(multiplier);
      if (!table) {
        const scaled = values.map((value) => value * multiplier);
        table = this.#tf.tensor(scaled, [size], "float32");
        this.#tf.keep(table);
        tables.set(multiplier, table);
      }
      const all = x.select(isNow, table, x.filled([size], 0));
      // All but one are 0: the sum is exact in any order. (`GatherV2` reads its index on cpu and wasm.)
      return x.run("Sum", { x: all }, { axis: [0], keepDims: false });
    };
  }

  #take(tensors: Tensors | undefined): void {
    for (const tensor of Object.values(tensors ?? {})) this.#tf.keep(tensor);
    for (const tensor of Object.values(this.#tensors ?? {})) tensor.dispose();
    this.#tensors = tensors;
  }
}
