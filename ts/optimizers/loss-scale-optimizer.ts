// Keras' LossScaleOptimizer: dynamic loss scaling around an RMSprop.

import { HYPERPARAMETERS } from "../generated/hyperparameters.js";
import type { Runtime } from "../memory/runtime.js";
import { checkedObject, finite, finiteFloat32, integer, option } from "../support/checks.js";
import { notBuilt, OutOfMemoryError } from "../support/errors.js";
import { LOSS_SCALE, SCALE_HANDLE, STATE } from "../support/internal.js";
import { message } from "../support/messages.js";
import { checkedName } from "../support/names.js";
import { Optimizer } from "./base-optimizer.js";
import type { LossScaleConfig, LossScaleConfigInput, RMSpropConfigInput } from "./config.js";
import type { Measure } from "./measure.js";
import { countVariable, type OptimizerVariable, rateVariable } from "./optimizer-variable.js";
import { optionsFromConfig } from "./options.js";
import { RMSprop } from "./rmsprop.js";

/** Options of `new LossScaleOptimizer`. */
export interface LossScaleOptions {
  /** The loss scale to begin with. Default 2 ** 15. */
  readonly initialScale?: number | undefined;
  /** Finite steps in a row after which the scale doubles; 0 or less: it never does. Default 2000. */
  readonly dynamicGrowthSteps?: number | undefined;
  /** The scale never falls below this. Default: no bound, as in Keras, where it can reach 0. */
  readonly minimumScale?: number | undefined;
  /** The scale never rises above this. Default: no bound, as in Keras, where it can reach infinity. */
  readonly maximumScale?: number | undefined;
  /** Norms that `lastStep` has even if no option needs them: sets the inner optimizer's `measure`. */
  readonly measure?: Measure | undefined;
  /** Default `loss_scale_optimizer`, `loss_scale_optimizer_1`, … */
  readonly name?: string | undefined;
}

const KNOWN = ["initialScale", "dynamicGrowthSteps", "minimumScale", "maximumScale", "name", "measure"] as const;
/** Keras' other arguments: a value that changes nothing is let through, any other gets a message of its own. */
const ACCEPTED: readonly string[] = ["dynamic", ...HYPERPARAMETERS.map((row) => row.option)];

/** A loss scale that is finite in float32: from infinity it would never come back. */
function scale(argument: string, value: unknown): number {
  const number = finite(argument, value);
  finiteFloat32(argument, number);
  return number;
}

/**
 * Multiplies the loss by a scale that keeps small gradients from vanishing in 16 bits, and divides the gradients by it
 * again: the scale doubles after `dynamicGrowthSteps` finite steps in a row, and halves, skipping the step, when a
 * gradient is not finite (P. Micikevicius et al., *Mixed Precision Training*, 2018).
 *
 * ```ts
 * const optimizer = new LossScaleOptimizer(new RMSprop(), { initialScale: 1024, dynamicGrowthSteps: 100 });
 * optimizer.scaleLoss(2); // 2048
 * [optimizer.dynamicScale, optimizer.stepCounter]; // [1024, 0]
 * optimizer.innerOptimizer.rho; // 0.9
 * ```
 */
export class LossScaleOptimizer extends Optimizer {
  /** The optimizer that takes the steps. */
  readonly innerOptimizer: RMSprop;
  /** The loss scale to begin with; `dynamicScale` is the current one. */
  readonly initialScale: number;
  /** Finite steps in a row after which the scale doubles; 0 or less: it never does. */
  readonly dynamicGrowthSteps: number;
  readonly #minimumScale: number;
  readonly #maximumScale: number;
  /** The scale's handle in its runtime; `undefined` until the first step or `build`: only then the runtime is known. */
  #scale: { readonly runtime: Runtime; readonly handle: number } | undefined;

  /**
   * Its static `lossScaleFactor`, if it has one, is set to `null`, as Keras does.
   *
   * ```ts
   * const bounds = { minimumScale: 1, maximumScale: 2 ** 24 };
   * new LossScaleOptimizer(new RMSprop(), { ...bounds, measure: { gradientNorm: true }, name: "scaled" }).name; // "scaled"
   * ```
   *
   * @param inner the optimizer that takes the steps.
   * @throws {TypeError | RangeError} for options that are not as documented, or that belong to the inner optimizer.
   */
  constructor(inner: RMSprop, options: LossScaleOptions = {}) {
    if (!(inner instanceof RMSprop)) throw new TypeError(message("inner", "an RMSprop", inner));
    const given = checkedObject("options", options, KNOWN, ACCEPTED);
    if ((option(given, "dynamic") ?? true) !== true) {
      throw new RangeError(
        "Argument `dynamic` must be true: for a static scale set `lossScaleFactor` on the inner optimizer.",
      );
    }
    for (const row of HYPERPARAMETERS) {
      const value = option(given, row.option);
      if (value !== undefined && value !== row.default) {
        throw new RangeError(
          `Argument \`${row.option}\` must be set on the inner optimizer, not on the LossScaleOptimizer.`,
        );
      }
    }
    const initialScale = scale("initialScale", option(given, "initialScale") ?? 2 ** 15);
    const dynamicGrowthSteps = integer(
      "dynamicGrowthSteps",
      option(given, "dynamicGrowthSteps") ?? 2000,
      -(2 ** 31),
      2 ** 31 - 1,
    );
    const bound = (name: "minimumScale" | "maximumScale", otherwise: number) => {
      const value = option(given, name);
      return value === undefined ? otherwise : scale(name, value);
    };
    const minimumScale = bound("minimumScale", Number.NEGATIVE_INFINITY);
    const maximumScale = bound("maximumScale", Number.POSITIVE_INFINITY);
    if (!(minimumScale <= initialScale && initialScale <= maximumScale)) {
      const rule = `between minimumScale (${minimumScale}) and maximumScale (${maximumScale})`;
      throw new RangeError(message("initialScale", rule, initialScale));
    }
    const name = checkedName(option(given, "name"), "loss_scale_optimizer");
    const measure = option(given, "measure");
    if (measure !== undefined) inner.measure = measure as Measure;
    inner.lossScaleFactor = null;
    super(name, inner[STATE]);
    this.innerOptimizer = inner;
    this.initialScale = initialScale;
    this.dynamicGrowthSteps = dynamicGrowthSteps;
    this.#minimumScale = minimumScale;
    this.#maximumScale = maximumScale;
  }

  /**
   * The current loss scale.
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get dynamicScale(): number {
    this[STATE].assertNotFreed();
    if (!this.#scale) return Math.fround(this.initialScale);
    this.#scale.runtime.assertNotCorrupted();
    return this.#scale.runtime.kernel.loss_scale_value(this.#scale.handle);
  }

  /**
   * Finite steps since the scale last changed.
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get stepCounter(): number {
    this[STATE].assertNotFreed();
    this.#scale?.runtime.assertNotCorrupted();
    return this.#scale?.runtime.kernel.loss_scale_counter(this.#scale.handle) ?? 0;
  }

  /** @internal */
  override get [LOSS_SCALE](): number {
    return this.dynamicScale;
  }

  /**
   * Its own variables, then those of the inner optimizer, in Keras' order.
   *
   * ```ts
   * const scaled = new LossScaleOptimizer(new RMSprop());
   * scaled.build([w]);
   * scaled.variables.slice(2, 4).map(({ name }) => name); // ["step_counter", "dynamic_scale"]
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  override get variables(): readonly OptimizerVariable[] {
    const ignored = () => undefined;
    const own: OptimizerVariable[] = [
      Object.assign(
        countVariable(this.name, "iteration", () => 0, ignored),
        { ignored: true },
      ),
      Object.assign(
        rateVariable(this.name, "learning_rate", () => 0, ignored),
        { ignored: true },
      ),
    ];
    const runtime = this[STATE].runtime;
    if (runtime) {
      const set = (scale: number, counter: number) =>
        runtime.kernel.loss_scale_set(this[SCALE_HANDLE](), scale, counter);
      own.push(
        countVariable(
          this.name,
          "step_counter",
          () => this.stepCounter,
          (counter) => set(this.dynamicScale, counter),
        ),
        rateVariable(
          this.name,
          "dynamic_scale",
          () => this.dynamicScale,
          (scale) => set(scale, this.stepCounter),
          (argument, scale) => this.#checkScale(argument, scale),
        ),
      );
    }
    return [...own, ...super.variables];
  }

  #checkScale(argument: string, scale: number): void {
    if (scale >= Math.fround(this.#minimumScale) && scale <= Math.fround(this.#maximumScale)) return;
    const rule = `a scale between minimumScale (${this.#minimumScale}) and maximumScale (${this.#maximumScale})`;
    throw new RangeError(message(argument, rule, scale));
  }

  /** @internal Not "Object": proxies of state libraries, which cannot reach private fields, leave other kinds alone. */
  get [Symbol.toStringTag](): string {
    return "LossScaleOptimizer";
  }

  /**
   * Keras' configuration, with that of the inner optimizer: what `fromConfig` takes.
   *
   * ```ts
   * const { name, inner_optimizer, initial_scale, dynamic_growth_steps } = new LossScaleOptimizer(new RMSprop()).getConfig();
   * [inner_optimizer.class_name, initial_scale, dynamic_growth_steps]; // ["RMSprop", 32768, 2000]
   * ```
   */
  getConfig(): LossScaleConfig {
    return {
      name: this.name,
      inner_optimizer: {
        module: "keras.optimizers",
        class_name: "RMSprop",
        config: this.innerOptimizer.getConfig(),
        registered_name: null,
      },
      initial_scale: this.initialScale,
      dynamic_growth_steps: this.dynamicGrowthSteps,
    };
  }

  /**
   * The optimizer with Keras' configuration: what `getConfig`, here or in Keras, returns. A subclass whose constructor
   * takes the inner optimizer and the options first makes one of its own.
   *
   * ```ts
   * const inner_optimizer = { class_name: "RMSprop", config: { rho: 0.95 } };
   * const config = { name: "scaled", inner_optimizer, initial_scale: 8, dynamic_growth_steps: 100 };
   * LossScaleOptimizer.fromConfig(config).dynamicScale; // 8
   * ```
   *
   * @throws {TypeError | RangeError} if the configuration is not valid.
   */
  static fromConfig<Class extends LossScaleOptimizer>(
    this: new (
      inner: RMSprop,
      options: LossScaleOptions,
    ) => Class,
    config: LossScaleConfigInput,
  ): Class {
    const given = checkedObject("config", config);
    const { inner_optimizer, initial_scale, dynamic_growth_steps, dynamic, ...others } = given;
    const inner = checkedObject("inner_optimizer", option(given, "inner_optimizer"));
    const className = option(inner, "class_name");
    if (typeof className !== "string" || className.toLowerCase() !== "rmsprop") {
      throw new TypeError(message("inner_optimizer.class_name", '"RMSprop"', className));
    }
    const options = {
      ...optionsFromConfig(others),
      initialScale: option(given, "initial_scale"),
      dynamicGrowthSteps: option(given, "dynamic_growth_steps"),
      dynamic: option(given, "dynamic"),
    };
    const innerConfig = checkedObject("inner_optimizer.config", option(inner, "config")) as RMSpropConfigInput;
    return new this(RMSprop.fromConfig(innerConfig), options as LossScaleOptions);
  }

  /**
   * Frees the inner optimizer too.
   *
   * ```ts
   * const scaled = new LossScaleOptimizer(optimizer);
   * scaled.free();
   * optimizer.step(); // throws StateError: …
   * ```
   *
   * @throws {StateError} inside a constraint or a learning-rate callback.
   */
  override free(): void {
    this.innerOptimizer.free();
    this.#release();
  }

  #release(): void {
    if (!this.#scale) return;
    const { runtime, handle } = this.#scale;
    runtime.untrack(this);
    runtime.release(runtime.kernel.loss_scale_free, handle);
    this.#scale = undefined;
  }

  /** @internal */
  override [SCALE_HANDLE](): number {
    this[STATE].assertNotFreed();
    const runtime = this[STATE].runtime;
    if (runtime && this.#scale?.runtime === runtime) return this.#scale.handle;
    this.#release();
    if (!runtime) throw notBuilt(this.name);
    runtime.enter("A new loss scale");
    const { kernel } = runtime;
    const handle = kernel.loss_scale_create(
      this.initialScale,
      this.dynamicGrowthSteps,
      this.#minimumScale,
      this.#maximumScale,
    );
    runtime.synchronize();
    runtime.running = false;
    if (handle === 0) throw new OutOfMemoryError("There is no room for another loss scale.");
    runtime.track(this, kernel.loss_scale_free, handle);
    this.#scale = { runtime, handle };
    return handle;
  }
}
