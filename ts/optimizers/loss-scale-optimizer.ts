// Keras' LossScaleOptimizer: dynamic loss scaling around an RMSprop.

import type { Slot } from "../generated/codes.js";
import { HYPERPARAMETERS } from "../generated/hyperparameters.js";
import type { Runtime } from "../memory/runtime.js";
import type { AnyVariable } from "../memory/variable.js";
import type { Serialized, SerializedInput } from "../schedules/serialization.js";
import { checkedObject, finite, integer, option } from "../support/checks.js";
import { notBuilt, OutOfMemoryError } from "../support/errors.js";
import {
  ASSERT_NOT_FREED,
  CHECK,
  LOSS_SCALE,
  RUN,
  RUN_SCALED,
  RUNTIME,
  STEP_SCALED,
  TRAINED,
} from "../support/internal.js";
import { message } from "../support/messages.js";
import { checkedName } from "../support/names.js";
import { Optimizer, type Update, type WeightDecayExclusion } from "./base-optimizer.js";
import type { LearningRate } from "./learning-rate.js";
import { countVariable, type OptimizerVariable, rateVariable } from "./optimizer-variable.js";
import { optionsFromConfig } from "./options.js";
import { RMSprop, type RMSpropConfig, type RMSpropConfigInput } from "./rmsprop.js";

/** Options of `new LossScaleOptimizer`. */
export interface LossScaleOptions {
  /** The loss scale to begin with. Default 2 ** 15. */
  readonly initialScale?: number | undefined;
  /** The scale doubles after so many finite steps in a row; never, if 0 or less. Default 2000. */
  readonly dynamicGrowthSteps?: number | undefined;
  /** The scale never falls below this. Default: no bound, as in Keras, where it can reach 0. */
  readonly minimumScale?: number | undefined;
  /** The scale never rises above this. Default: no bound, as in Keras, where it can reach infinity. */
  readonly maximumScale?: number | undefined;
  /** Default `loss_scale_optimizer`, `loss_scale_optimizer_1`, … */
  readonly name?: string | undefined;
}

/** Keras' configuration of a LossScaleOptimizer. */
export interface LossScaleConfig {
  /** The optimizer's name. */
  readonly name: string;
  /** The optimizer whose loss is scaled. */
  readonly inner_optimizer: Serialized<RMSpropConfig>;
  /** The loss scale to begin with. */
  readonly initial_scale: number;
  /** The scale doubles after so many finite steps in a row. */
  readonly dynamic_growth_steps: number;
}

/** A configuration as `LossScaleOptimizer.fromConfig` takes it: all of it, or at least the inner optimizer. */
export interface LossScaleConfigInput {
  /** The optimizer's name. */
  readonly name?: string | undefined;
  /** The optimizer whose loss is scaled: an RMSprop. */
  readonly inner_optimizer: SerializedInput<RMSpropConfigInput>;
  /** The loss scale to begin with. Default 2 ** 15. */
  readonly initial_scale?: number | undefined;
  /** The scale doubles after so many finite steps in a row. Default 2000. */
  readonly dynamic_growth_steps?: number | undefined;
}

const KNOWN = ["initialScale", "dynamicGrowthSteps", "minimumScale", "maximumScale", "name", "dynamic"] as const;

/**
 * Multiplies the loss by a scale that keeps small gradients from vanishing in 16 bits, and divides the gradients by it
 * again: the scale doubles after `dynamicGrowthSteps` finite steps in a row, and halves, skipping the step, when a
 * gradient is not finite (P. Micikevicius et al., *Mixed Precision Training*, 2018).
 *
 * ```ts
 * const optimizer = new LossScaleOptimizer(new RMSprop(), { initialScale: 1024 });
 * optimizer.scaleLoss(2); // 2048
 * ```
 */
export class LossScaleOptimizer extends Optimizer {
  /** The name in Keras' configuration and in the paths of `variables`. */
  readonly name: string;
  /** The optimizer that takes the steps. */
  readonly innerOptimizer: RMSprop;
  /** The loss scale to begin with; `dynamicScale` is the current one. */
  readonly initialScale: number;
  /** The scale doubles after so many finite steps in a row; never, if 0 or less. */
  readonly dynamicGrowthSteps: number;
  readonly #minimumScale: number;
  readonly #maximumScale: number;
  /** The scale's handle in its runtime; `undefined` until the first step or `build`: only then the runtime is known. */
  #scale: { readonly runtime: Runtime; readonly handle: number } | undefined;

  /**
   * Its static `lossScaleFactor`, if it has one, is set to `null`, as Keras does.
   *
   * @throws {TypeError | RangeError} for options that are not as documented, or that belong to the inner optimizer.
   */
  constructor(inner: RMSprop, options: LossScaleOptions = {}) {
    super();
    if (!(inner instanceof RMSprop)) throw new TypeError(message("inner", "an RMSprop", inner));
    const given = checkedObject("options", options, [...KNOWN, ...HYPERPARAMETERS.map((row) => row.option)]);
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
    this.initialScale = finite("initialScale", option(given, "initialScale") ?? 2 ** 15);
    this.dynamicGrowthSteps = integer(
      "dynamicGrowthSteps",
      option(given, "dynamicGrowthSteps") ?? 2000,
      -(2 ** 31),
      2 ** 31 - 1,
    );
    const bound = (name: "minimumScale" | "maximumScale", otherwise: number) => {
      const value = option(given, name);
      return value === undefined ? otherwise : finite(name, value);
    };
    this.#minimumScale = bound("minimumScale", Number.NEGATIVE_INFINITY);
    this.#maximumScale = bound("maximumScale", Number.POSITIVE_INFINITY);
    if (!(this.#minimumScale <= this.initialScale && this.initialScale <= this.#maximumScale)) {
      throw new RangeError(
        message(
          "initialScale",
          `between minimumScale (${this.#minimumScale}) and maximumScale (${this.#maximumScale})`,
          this.initialScale,
        ),
      );
    }
    this.name = checkedName(option(given, "name"), "loss_scale_optimizer");
    inner.lossScaleFactor = null;
    this.innerOptimizer = inner;
  }

  /** The current loss scale. */
  get dynamicScale(): number {
    this.innerOptimizer[ASSERT_NOT_FREED]();
    if (!this.#scale) return Math.fround(this.initialScale);
    return this.#scale.runtime.kernel.loss_scale_value(this.#scale.handle);
  }

  /** Finite steps since the scale last changed. */
  get stepCounter(): number {
    this.innerOptimizer[ASSERT_NOT_FREED]();
    return this.#scale?.runtime.kernel.loss_scale_counter(this.#scale.handle) ?? 0;
  }

  /** Whether the inner optimizer is built. */
  get built(): boolean {
    return this.innerOptimizer.built;
  }

  /** Updates so far of the inner optimizer. */
  get iterations(): number {
    return this.innerOptimizer.iterations;
  }

  /** Calls so far, without those that were skipped because a gradient was not finite. */
  get rawIterations(): number {
    return this.innerOptimizer.rawIterations;
  }

  /** The learning rate of the inner optimizer; setting it sets that. */
  get learningRate(): number {
    return this.innerOptimizer.learningRate;
  }

  /** @ignore */
  set learningRate(rate: LearningRate) {
    this.innerOptimizer.learningRate = rate;
  }

  /**
   * Builds the inner optimizer with these variables.
   *
   * @throws {StateError} if it is built without one of them, or a variable was freed.
   * @throws {RangeError} if one is listed twice, or they belong to different runtimes.
   * @throws {OutOfMemoryError} if there is no room.
   */
  build(variables: readonly AnyVariable[]): void {
    this.innerOptimizer.build(variables);
    this.#handle();
  }

  /**
   * One step with gradients of the scaled loss; skipped, with half the scale afterwards, if one of them is not finite.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  step(): void {
    this.innerOptimizer[STEP_SCALED](this.#handle());
  }

  /** @internal */
  [RUN](update: Update): void {
    // As in Keras, no gradients at all count as finite ones; but there is no scale yet to count them.
    if (update.built.length === 0 && !this.built) return;
    this.innerOptimizer[RUN_SCALED](update, () => this.#handle());
  }

  /** @internal */
  [CHECK](variables: readonly AnyVariable[]): void {
    this.innerOptimizer[CHECK](variables);
  }

  /** @internal */
  get [TRAINED](): readonly AnyVariable[] | undefined {
    return this.innerOptimizer[TRAINED];
  }

  /** @internal */
  get [LOSS_SCALE](): number {
    return this.dynamicScale;
  }

  /**
   * The loss times `dynamicScale`, in float32.
   *
   * @throws {TypeError} if the loss is no number.
   * @throws {StateError} if the optimizer was freed.
   */
  scaleLoss(loss: number): number {
    if (typeof loss !== "number") throw new TypeError(message("loss", "a number", loss));
    return Math.fround(Math.fround(loss) * this.dynamicScale);
  }

  /**
   * The state that the inner optimizer keeps for a variable: a view, or `null` if there is none.
   *
   * @throws {TypeError} if there is no slot of this name.
   * @throws {StateError} if the optimizer was not built with the variable, or was freed.
   */
  slot(name: Slot, variable: AnyVariable): Float32Array<ArrayBuffer> | null {
    return this.innerOptimizer.slot(name, variable);
  }

  /** Its own variables, then those of the inner optimizer, in Keras' order. */
  get variables(): readonly OptimizerVariable[] {
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
    const runtime = this.innerOptimizer[RUNTIME];
    if (runtime) {
      const set = (scale: number, counter: number) => runtime.kernel.loss_scale_set(this.#handle(), scale, counter);
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
    return [...own, ...this.innerOptimizer.variables];
  }

  #checkScale(argument: string, scale: number): void {
    if (scale >= Math.fround(this.#minimumScale) && scale <= Math.fround(this.#maximumScale)) return;
    const rule = `a scale between minimumScale (${this.#minimumScale}) and maximumScale (${this.#maximumScale})`;
    throw new RangeError(message(argument, rule, scale));
  }

  /**
   * Excludes variables from weight decay on the inner optimizer. (In Keras the call has no effect there.)
   *
   * @throws {TypeError} if `variables` holds something other than variables, or `names` other than strings and patterns.
   * @throws {RangeError} if a variable is listed twice, or a string is no valid pattern.
   * @throws {StateError} if the optimizer or a variable was freed.
   */
  excludeFromWeightDecay(which: WeightDecayExclusion): void {
    this.innerOptimizer.excludeFromWeightDecay(which);
  }

  /**
   * Sets all variables to the inner optimizer's moving averages. Does nothing without `useEma`.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  finalizeVariableValues(): void {
    this.innerOptimizer.finalizeVariableValues();
  }

  /** Keras' configuration, with that of the inner optimizer: what `fromConfig` takes. */
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
   * The optimizer with Keras' configuration: what `getConfig`, here or in Keras, returns. Of a subclass, whose constructor
   * takes the inner optimizer and the options first, it is one of that class.
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

  /** Frees the inner optimizer too. */
  free(): void {
    this.innerOptimizer.free();
    this.#release();
  }

  #release(): void {
    this.#scale?.runtime.untrack(this);
    this.#scale?.runtime.kernel.loss_scale_free(this.#scale.handle);
    this.#scale = undefined;
  }

  /** The scale's handle in the runtime of the inner optimizer. */
  #handle(): number {
    this.innerOptimizer[ASSERT_NOT_FREED]();
    const runtime = this.innerOptimizer[RUNTIME];
    if (runtime && this.#scale?.runtime === runtime) return this.#scale.handle;
    this.#release();
    if (!runtime) throw notBuilt(this.name);
    runtime.assertUnlocked("A new loss scale");
    const { kernel } = runtime;
    const handle = kernel.loss_scale_create(
      this.initialScale,
      this.dynamicGrowthSteps,
      this.#minimumScale,
      this.#maximumScale,
    );
    runtime.synchronize();
    if (handle === 0) throw new OutOfMemoryError("There is no room for another loss scale.");
    runtime.track(this, kernel.loss_scale_free, handle);
    this.#scale = { runtime, handle };
    return handle;
  }
}
