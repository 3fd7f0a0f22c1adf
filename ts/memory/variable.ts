// A trainable variable: values and gradient in linear memory, seen through views.

import { GRADIENT_DTYPES, type GradientDtype } from "../generated/codes.js";
import { checkedObject, option, word } from "../support/checks.js";
import { DISPOSE } from "../support/disposable.js";
import { OutOfMemoryError, StateError } from "../support/errors.js";
import { ASSERT_NOT_FREED, CHECKED_GRADIENT, HANDLE, PEEK, RUNTIME } from "../support/internal.js";
import { message, plural, show } from "../support/messages.js";
import { automaticName } from "../support/names.js";
import { sizeOf } from "../support/size-of.js";
import { checkedBits, checkedNumbers, copyIfAliased, lengthOf, type Numbers } from "./numbers.js";
import { type ArrayClass, defaultRuntime, Runtime, View } from "./runtime.js";

/** Edits a variable's values in place at the end of each step that updated it. Returns nothing, or the same array. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that gives something else, such as a promise, must not fit.
export type Constraint = (value: Float32Array<ArrayBuffer>) => void | Float32Array;

/**
 * The array that is a variable's `gradient`, by the type of its numbers. Those of 16 bits are seen as their bits, in every
 * engine: not all have a `Float16Array`, and none has an array of bfloat16.
 */
export interface GradientArrays {
  /** Numbers. */
  float32: Float32Array<ArrayBuffer>;
  /** Bits of IEEE 754 binary16. */
  float16: Uint16Array<ArrayBuffer>;
  /** Bits of the upper halves of float32 numbers. */
  bfloat16: Uint16Array<ArrayBuffer>;
}

const GRADIENT_ARRAYS: { readonly [D in GradientDtype]: ArrayClass<GradientArrays[D]> } = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
};

/** A variable, whatever type its gradient has. */
export type AnyVariable = Variable<GradientDtype>;

/** Options of `new Variable`. */
export interface VariableOptions<D extends GradientDtype = "float32"> {
  /** Default `variable`, `variable_1`, … */
  readonly name?: string | undefined;
  /** Where the variable is in the model, such as `dense/kernel`; names the optimizer's slots. Default: the name. */
  readonly path?: string | undefined;
  /** Default: `[]` for a number, `[length]` for an array. */
  readonly shape?: readonly number[] | undefined;
  /** Edits the values in place at the end of each step that updated them; `nonNeg` is one. */
  readonly constraint?: Constraint | undefined;
  /** A step sets the variable to its gradient instead of updating it (statistics computed as if they were gradients). */
  readonly overwriteWithGradient?: boolean | undefined;
  /** The type of the gradient's numbers: what was computed in 16 bits can be handed over so. Default `"float32"`. */
  readonly gradientDtype?: D | undefined;
  /** The runtime whose memory holds the variable. Default: the default runtime. */
  readonly runtime?: Runtime | undefined;
}

const KNOWN = ["name", "path", "shape", "constraint", "overwriteWithGradient", "gradientDtype", "runtime"] as const;

/** How Node, Deno and Bun find a class's own way to be printed. */
const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for("nodejs.util.inspect.custom");

/** Values that `toString` shows. */
const SHOWN = 6;

/**
 * Keras' `NonNeg` constraint: negative values become 0.
 *
 * ```ts
 * const values = Float32Array.of(1, -2);
 * nonNeg(values);
 * values; // [1, 0]
 * ```
 */
export const nonNeg: Constraint = (value) => {
  // +0 also for -0; NaN stays, as in numpy.maximum.
  for (let i = 0; i < value.length; i++) if ((value[i] as number) <= 0) value[i] = 0;
};

/** The end of a block with `using` frees a variable. */
// biome-ignore lint/correctness/noUnusedVariables: the class has it.
export interface Variable<D extends GradientDtype = "float32"> extends Disposable {}

/**
 * Values that an optimizer trains and the gradient of the loss with respect to them, both in C order. The values are
 * float32, and so is the gradient unless `gradientDtype` says otherwise.
 *
 * ```ts
 * const kernel = new Variable(new Float32Array(784 * 10), { name: "kernel", path: "dense/kernel", shape: [784, 10] });
 * kernel.value[0] = 0.5;      // a view on linear memory, as is kernel.gradient
 * ```
 *
 * The memory is given back by `free()`, by `using`, or some time after the variable is garbage.
 */
export class Variable<D extends GradientDtype = "float32"> {
  /** What weight decay's exclusions are matched against. Need not be unique. */
  readonly name: string;
  /** Where it is in the model; names its slots and its tensors in checkpoints. */
  readonly path: string;
  /** Lengths of the dimensions, outermost first; `[]` for a scalar. Frozen. */
  readonly shape: readonly number[];
  /** Number of values: the product of `shape`. */
  readonly size: number;
  /** What edits the values at the end of each step that updated them; `undefined` if nothing does. */
  readonly constraint: Constraint | undefined;
  /** Whether a step sets the values to the gradient instead of updating them. */
  readonly overwriteWithGradient: boolean;
  /** The type of the gradient's numbers. */
  readonly gradientDtype: D;
  readonly #runtime: Runtime;
  readonly #handle: number;
  readonly #value: View<Float32Array<ArrayBuffer>>;
  readonly #gradient: View<GradientArrays[D]>;
  #freed = false;

  // Two signatures, so that a variable of 16 bits cannot be declared without the option.
  /**
   * A variable with these values and a gradient of zeros, of this type.
   *
   * @param options with the type of the gradient's numbers.
   * @param value a number, or `size` numbers in C order; copied.
   * @throws {TypeError | RangeError} for values, shapes and options that are not as documented.
   * @throws {OutOfMemoryError} if there is no room.
   */
  constructor(value: number | Numbers, options: VariableOptions<D> & { readonly gradientDtype: D });
  /**
   * A variable with these values and a float32 gradient of zeros.
   *
   * ```ts
   * const scale = new Variable(1, { constraint: nonNeg, gradientDtype: "float16" });
   * const mean = new Variable([0, 0], { shape: [1, 2], overwriteWithGradient: true, runtime: createRuntime() });
   * [scale.gradient.constructor.name, mean.size]; // ["Uint16Array", 2]
   * ```
   *
   * @param options name, path, shape and others.
   * @param value a number, or `size` numbers in C order; copied.
   * @throws {TypeError | RangeError} for values, shapes and options that are not as documented.
   * @throws {OutOfMemoryError} if there is no room.
   */
  constructor(value: number | Numbers, ...options: "float32" extends D ? [options?: VariableOptions<D>] : [never]);
  constructor(value: number | Numbers, options: VariableOptions<D> = {}) {
    const given = checkedObject("options", options, KNOWN);
    const shape = option(given, "shape");
    this.constraint = optional(given, "constraint", "function") as Constraint | undefined;
    this.overwriteWithGradient = (optional(given, "overwriteWithGradient", "boolean") as boolean | undefined) ?? false;
    const dtype = option(given, "gradientDtype");
    // Without the option, `D` is its default.
    this.gradientDtype = word("gradientDtype", GRADIENT_DTYPES, dtype === undefined ? "float32" : dtype) as D;
    const runtime = option(given, "runtime") ?? defaultRuntime();
    if (!(runtime instanceof Runtime)) {
      throw new TypeError(message("runtime", "made by `createRuntime` of this copy of the package", runtime));
    }
    const name = optional(given, "name", "string") as string | undefined;
    const path = optional(given, "path", "string") as string | undefined;
    // Last, because reading an option can run code that detaches the values.
    const numbers = typeof value === "number" ? [value] : checkedNumbers("value", value, undefined, () => "");
    const count = lengthOf(numbers);
    this.shape = checkedShape(shape, typeof value === "number" ? [] : [count]);
    this.size = sizeOf(this.shape);
    if (this.size !== count) {
      throw new RangeError(
        `Argument \`shape\` must be a shape of ${plural(count, "value")}; received a shape of ${plural(this.size, "value")}: [${this.shape}].`,
      );
    }

    const { kernel } = runtime;
    const values = copyIfAliased(runtime, numbers);
    runtime.enter("A new variable");
    // The size is checked above; 2 ** 30 floats are the 4 GiB that can be addressed.
    const flags = [this.overwriteWithGradient ? 1 : 0, GRADIENT_DTYPES.indexOf(this.gradientDtype)] as const;
    const { byteLength } = runtime;
    const handle = this.size < 2 ** 30 ? kernel.variable_create(this.size, ...flags) : 0;
    const addresses = [kernel.variable_value(handle), kernel.variable_gradient(handle)] as const;
    runtime.synchronize();
    if (runtime.byteLength !== byteLength) runtime.growAhead(8 * this.size);
    runtime.running = false;
    if (handle === 0) throw new OutOfMemoryError(`There is no room for a variable of shape [${this.shape}].`);
    this.#runtime = runtime;
    this.#handle = handle;
    runtime.track(this, kernel.variable_free, handle);
    this.#value = new View(Float32Array, runtime, addresses[0], this.size, this);
    this.#gradient = new View(GRADIENT_ARRAYS[this.gradientDtype], runtime, addresses[1], this.size, this);
    this.#value.unowned().set(values);
    this.name = name ?? automaticName("variable");
    this.path = path ?? this.name;
  }

  /**
   * The `size` values in C order: a view on linear memory. Valid until memory is allocated again; take it anew after that.
   * Can be set, which is `assign`.
   *
   * @throws {StateError} if the variable was freed.
   */
  get value(): Float32Array<ArrayBuffer> {
    this[ASSERT_NOT_FREED]();
    return this.#value.get();
  }

  /** @ignore */
  set value(value: number | Numbers) {
    this.assign(value);
  }

  /**
   * The `size` elements of the gradient: a view on linear memory as `value` is, read by `step()` and never written to by it.
   * Numbers of 16 bits are seen as their bits: of an `AnyVariable`, `gradient instanceof Float32Array` tells numbers from
   * bits. Can be set, which copies as `apply` does.
   *
   * @throws {StateError} if the variable was freed.
   */
  get gradient(): GradientArrays[D] {
    this[ASSERT_NOT_FREED]();
    return this.#gradient.get();
  }

  /** @ignore */
  set gradient(gradient: D extends "float32" ? Numbers : ArrayBufferView & Numbers) {
    this[ASSERT_NOT_FREED]();
    const numbers = this[CHECKED_GRADIENT]("gradient", gradient);
    this.gradient.set(numbers);
  }

  /**
   * Copies `size` numbers into the variable; a single number only into a variable of one value.
   *
   * ```ts
   * w.assign([5]);
   * w.value; // [5]
   * ```
   *
   * @param value `size` numbers in C order; a number, if the variable has one value.
   * @throws {TypeError | RangeError} if they are not numbers, or not as many.
   * @throws {StateError} if the variable was freed.
   */
  assign(value: number | Numbers): void {
    this[ASSERT_NOT_FREED]();
    if (typeof value === "number" && this.size !== 1) {
      const rule = `an array of ${this.size} numbers, ${this.#sized} (to set all of them: \`value.fill(${value})\`)`;
      throw new RangeError(message("value", rule, value));
    }
    const given = typeof value === "number" ? [value] : value;
    // Reading the numbers can run code that frees this variable or moves memory: only then the view is taken.
    const numbers = checkedNumbers("value", given, this.size, () => this.#sized);
    this[PEEK]().set(numbers);
  }

  /** @internal */
  [PEEK](): Float32Array<ArrayBuffer> {
    this[ASSERT_NOT_FREED]();
    return this.#value.peek();
  }

  /** @internal */
  [CHECKED_GRADIENT](argument: string, gradient: unknown): Numbers {
    const { gradientDtype, size } = this;
    return gradientDtype === "float32"
      ? checkedNumbers(argument, gradient, size, () => this.#sized)
      : checkedBits(argument, gradient, gradientDtype, size, () => this.#sized);
  }

  get #sized(): string {
    return `the size of variable "${this.path}"`;
  }

  // Accessors, not fields: a variable that is printed should show its values, not its runtime.
  /** @internal */
  get [RUNTIME](): Runtime {
    return this.#runtime;
  }

  /** @internal */
  get [HANDLE](): number {
    return this.#handle;
  }

  /**
   * Path, shape and the first values, for logs.
   *
   * ```ts
   * new Variable([1, 2], { path: "bias" }).toString(); // "<Variable path=bias, shape=[2], value=[1, 2]>"
   * ```
   */
  toString(): string {
    const values = this.#freed ? [] : this.#value.get();
    // Seven digits tell float32 numbers apart well enough to read.
    const shown = Array.from(values.slice(0, SHOWN), (value) => Number(value.toPrecision(7)));
    const more = values.length > SHOWN ? `, and ${values.length - SHOWN} more` : "";
    const content = this.#freed ? "freed" : `value=[${shown.join(", ")}${more}]`;
    return `<Variable path=${this.path}, shape=[${this.shape.join(", ")}], ${content}>`;
  }

  /** @internal What `console.log` shows in Node, Deno and Bun, which bring the function that formats. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { path, shape } = this;
    const arrays = this.#freed ? { freed: true } : { value: this.#value.get(), gradient: this.#gradient.get() };
    return `Variable ${inspect({ path, shape, ...arrays }, options)}`;
  }

  /** @internal Not "Object": proxies of state libraries, which cannot reach private fields, leave other kinds alone. */
  get [Symbol.toStringTag](): string {
    return "Variable";
  }

  /** Whether the memory was given back. */
  get freed(): boolean {
    return this.#freed;
  }

  /**
   * Gives the memory back; optimizers that train this variable cannot step any more.
   *
   * ```ts
   * w.free();
   * w.freed; // true
   * ```
   *
   * @throws {StateError} inside a constraint or a learning-rate callback.
   */
  free(): void {
    if (this.#freed) return;
    this.#runtime.assertUnlocked("Variable.free()");
    this.#freed = true;
    this.#runtime.freedVariables += 1;
    this.#runtime.untrack(this);
    this.#runtime.release(this.#runtime.kernel.variable_free, this.#handle);
  }

  /** @internal */
  [DISPOSE](): void {
    this.free();
  }

  /** @internal */
  [ASSERT_NOT_FREED](): void {
    if (this.#freed) throw new StateError(`Variable "${this.path}" was freed.`);
  }
}

function optional(options: Record<string, unknown>, key: string, type: "string" | "boolean" | "function"): unknown {
  const value = option(options, key);
  if (value !== undefined && typeof value !== type) throw new TypeError(message(key, `a ${type}`, value));
  return value;
}

function checkedShape(shape: unknown, otherwise: readonly number[]): readonly number[] {
  if (shape === undefined) return Object.freeze(otherwise);
  if (!Array.isArray(shape)) throw new TypeError(message("shape", "an array of lengths", shape));
  // Copied first: a hole becomes `undefined`, and a proxy cannot tell something else later.
  const lengths: readonly unknown[] = [...shape];
  const wrong = lengths.findIndex((length) => !Number.isInteger(length) || (length as number) < 0);
  if (wrong >= 0)
    throw new RangeError(`Argument \`shape\` must hold whole numbers from 0; received ${show(lengths[wrong])}.`);
  return Object.freeze(lengths as readonly number[]);
}
