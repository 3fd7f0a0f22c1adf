// tfjs' operations as the arithmetic of the formula, and the constants that stay on the device.

import type { ConditionalArithmetic } from "../../rule/conditional.js";
import { sizeOf } from "../../support/size-of.js";
import type { TensorFlow, TensorLike } from "../tensorflow.js";

/** Numbers from which on a sum on wasm is one of rows. */
const LONG = 1024;

/**
 * Kernels by their registered names: the methods of `tf` promote types and clone where nothing is to be promoted. Inputs have the
 * right types and shapes; what a kernel gives is the scope's (`tf.tidy`).
 *
 * Not used, for what the backends make of it: `ClipByValue` (wasm gives a bound for NaN, webgl leaves the neighbours of a NaN
 * unclipped), `GatherV2` and `Slice` (cpu and wasm read).
 */
export class Operations implements ConditionalArithmetic<TensorLike> {
  readonly #tf: TensorFlow;
  readonly #kept = new Map<string, TensorLike>();
  readonly #changing = new Set<string>();
  readonly #numbers = new WeakMap<TensorLike, number>();
  /** Flags in the shapes of what they choose, as long as the scope keeps them. */
  readonly #spread = new WeakMap<TensorLike, Map<string, TensorLike>>();

  constructor(tf: TensorFlow) {
    this.#tf = tf;
  }

  run(
    name: string,
    inputs: Readonly<Record<string, TensorLike>> | readonly TensorLike[],
    attrs: object = {},
  ): TensorLike {
    return this.#tf.engine().runKernel(name, inputs, attrs) as TensorLike;
  }

  add(a: TensorLike, b: TensorLike): TensorLike {
    return this.run("Add", { a, b });
  }

  sub(a: TensorLike, b: TensorLike): TensorLike {
    return this.run("Sub", { a, b });
  }

  mul(a: TensorLike, b: TensorLike): TensorLike {
    return this.run("Multiply", { a, b });
  }

  div(a: TensorLike, b: TensorLike): TensorLike {
    return this.run("RealDiv", { a, b });
  }

  sqrt(x: TensorLike): TensorLike {
    return this.run("Sqrt", { x });
  }

  positive(a: TensorLike, least: TensorLike): TensorLike {
    const condition = this.run("LessEqual", { a, b: this.constant(0) });
    return this.select(condition, this.filled(a.shape, this.#number(least)), a);
  }

  /** What can be NaN comes first: wasm's `Maximum` gives the second one if the first is no number, and the first if the second is none. */
  clamp(a: TensorLike, limit: TensorLike): TensorLike {
    const least = this.constant(-this.#number(limit));
    return this.run("Minimum", { a: this.run("Maximum", { a, b: least }), b: limit });
  }

  where(flag: TensorLike, a: TensorLike, b: TensorLike): TensorLike {
    const { shape } = a;
    if (shape.length === 0) return this.select(flag, a, b);
    const shapes = this.#spread.get(flag) ?? new Map<string, TensorLike>();
    this.#spread.set(flag, shapes);
    let condition = shapes.get(String(shape));
    if (!condition || condition.isDisposed) {
      condition = this.run("LogicalAnd", { a: flag, b: this.truth(shape) });
      shapes.set(String(shape), condition);
    }
    return this.select(condition, a, b);
  }

  /** All three of one shape: the kernels do not broadcast. They take at most four dimensions. */
  select(condition: TensorLike, t: TensorLike, e: TensorLike): TensorLike {
    if (t.shape.length <= 4) return this.run("Select", { condition, t, e });
    const flat = this.run("Select", { condition: this.flat(condition), t: this.flat(t), e: this.flat(e) });
    return this.run("Reshape", { x: flat }, { shape: t.shape });
  }

  /** The same numbers in one dimension. */
  flat(x: TensorLike): TensorLike {
    return this.run("Reshape", { x }, { shape: [sizeOf(x.shape)] });
  }

  sum(x: TensorLike): TensorLike {
    const sum = (x: TensorLike, axis: number) => this.run("Sum", { x }, { axis: [axis], keepDims: false });
    const size = sizeOf(x.shape);
    if (size < LONG || this.#tf.getBackend() !== "wasm") return sum(this.flat(x), 0);
    // By rows: tfjs' wasm adds one number to the sum of those before, at a million with an error of 2e-4.
    const columns = Math.ceil(Math.sqrt(size));
    const rows = Math.ceil(size / columns);
    const paddings = [[0, rows * columns - size]];
    const padded = this.run("PadV2", { x: this.flat(x) }, { paddings, constantValue: 0 });
    return sum(sum(this.run("Reshape", { x: padded }, { shape: [rows, columns] }), 1), 0);
  }

  /** Whether all are true. */
  all(x: TensorLike): TensorLike {
    return this.run("All", { x: this.flat(x) }, { axis: [0], keepDims: false });
  }

  /** Scalars as a vector. */
  stack(scalars: readonly TensorLike[]): TensorLike {
    return this.run("Pack", scalars, { axis: 0 });
  }

  /** A tensor with numbers of its own: a clone would share them, and steps write in place on some devices. */
  copy(x: TensorLike): TensorLike {
    return this.mul(x, this.constant(1));
  }

  /** A tensor of its own, full of one number. */
  full(shape: readonly number[], value: number): TensorLike {
    return this.run("Fill", {}, { shape: [...shape], value, dtype: "float32" });
  }

  /** A scalar that stays on the device. */
  constant(value: number): TensorLike {
    return this.#keep(Object.is(value, -0) ? "-0" : String(value), () => this.#scalar(value));
  }

  /** A scalar whose number changes from time to time: it stays on the device until then, or until `forget`. */
  changing(name: string, value: number): TensorLike {
    const known = this.#kept.get(name);
    if (known && Object.is(this.#numbers.get(known), value)) return known;
    known?.dispose();
    this.#kept.delete(name);
    this.#changing.add(name);
    return this.#keep(name, () => this.#scalar(value));
  }

  /** Disposes of the scalars that change, whose names may not come again. */
  forget(): void {
    for (const name of this.#changing) {
      this.#kept.get(name)?.dispose();
      this.#kept.delete(name);
    }
    this.#changing.clear();
  }

  /** A tensor full of one number that stays on the device. */
  filled(shape: readonly number[], value: number): TensorLike {
    return this.#keep(`${value} as [${shape}]`, () => this.full(shape, value));
  }

  /** A tensor of `true` that stays on the device. */
  truth(shape: readonly number[]): TensorLike {
    return this.#keep(`true as [${shape}]`, () => {
      const ones = this.filled(shape, 1);
      return this.run("Equal", { a: ones, b: ones });
    });
  }

  /** 0, 1, 2, … as a tensor that stays on the device. */
  range(size: number): TensorLike {
    return this.#keep(`range ${size}`, () =>
      this.#tf.tensor(
        Float32Array.from({ length: size }, (_, i) => i),
        [size],
        "float32",
      ),
    );
  }

  dispose(): void {
    for (const tensor of this.#kept.values()) tensor.dispose();
    this.#kept.clear();
  }

  #scalar(value: number): TensorLike {
    const made = this.#tf.tensor(Float32Array.of(value), [], "float32");
    this.#numbers.set(made, value);
    return made;
  }

  /** The number of a scalar that was made here. */
  #number(scalar: TensorLike): number {
    return this.#numbers.get(scalar) as number;
  }

  #keep(key: string, make: () => TensorLike): TensorLike {
    const known = this.#kept.get(key);
    if (known) return known;
    const made = make();
    this.#tf.keep(made);
    this.#kept.set(key, made);
    return made;
  }
}
