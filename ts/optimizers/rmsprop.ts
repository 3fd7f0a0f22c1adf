// Keras' RMSprop: its options, its rule and its configuration. What it shares with other optimizers is in base-optimizer.ts.

import { HYPERPARAMETERS } from "../generated/hyperparameters.js";
import { deserialize, type Serialized, type SerializedInput, serialize } from "../schedules/serialization.js";
import { option } from "../support/checks.js";
import { STATE } from "../support/internal.js";
import { checkedName } from "../support/names.js";
import type { RMSpropConfig, RMSpropConfigInput } from "./config.js";
import { TunableOptimizer } from "./generated/tunable-optimizer.js";
import { readHyperparameters } from "./hyperparameters.js";
import { checkedLearningRate } from "./learning-rate.js";
import { checkedMeasure } from "./measure.js";
import { OptimizerState } from "./optimizer-state.js";
import { checkedOptions, optionsFromConfig, type RMSpropOptions } from "./options.js";

/** Keras' default. */
const DEFAULT_LEARNING_RATE = 0.001;

/**
 * RMSprop as `keras.optimizers.RMSprop` computes it, bit for bit. For each value w and its gradient g, with the learning
 * rate η:
 *
 * ```text
 * v ← ρ·v + (1-ρ)·g²
 * a ← ρ·a + (1-ρ)·g              centered only
 * d = v + ε  or  (v - a²) + ε    centered
 * Δ = η·g / √d
 * m ← μ·m + Δ,  w ← w - m        with momentum
 *               w ← w - Δ        without
 * ```
 *
 * ```ts
 * const w = new Variable(10.0);
 * const optimizer = new RMSprop({ learningRate: 0.1 });
 * optimizer.build([w]);
 * w.gradient.set(w.value);
 * optimizer.step();
 * w.value[0]; // 9.683772
 * ```
 *
 * Hyper-parameters can be changed at any time and count from the next step on; only what needs state that was not
 * built (`useEma`, `centered`, `momentum` above 0, `gradientAccumulationSteps`) must be chosen before `build`.
 */
export class RMSprop extends TunableOptimizer {
  /**
   * An optimizer that is not built yet; it allocates nothing.
   *
   * @throws {TypeError | RangeError} for options that are not as documented.
   */
  constructor(options: RMSpropOptions = {}) {
    const given = checkedOptions(options);
    const hyperparameters = readHyperparameters(given);
    const rate = option(given, "learningRate");
    const learningRate = checkedLearningRate("learningRate", rate === undefined ? DEFAULT_LEARNING_RATE : rate);
    const name = checkedName(option(given, "name"), "rm_sprop");
    const measure = checkedMeasure(option(given, "measure"));
    const state = new OptimizerState(name, hyperparameters, learningRate);
    state.measure = measure;
    super(name, state);
  }

  // Without a loss scale there is no handle to ask for: 1 ns of the 47 that a step of four small variables takes.
  /**
   * One step over all variables, with the gradients in their `gradient` views. One call into WebAssembly (or its JavaScript
   * translation), and no allocation.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  override step(): void {
    this[STATE].step(0);
  }

  /** @internal Not "Object": proxies of state libraries, which cannot reach private fields, leave other kinds alone. */
  get [Symbol.toStringTag](): string {
    return "RMSprop";
  }

  /**
   * Keras' configuration: what Keras' `get_config` returns, and `fromConfig` takes.
   *
   * ```ts
   * new RMSprop({ rho: 0.95 }).getConfig().rho; // 0.95
   * ```
   */
  getConfig(): RMSpropConfig {
    const { learningRate: rate, hyperparameters } = this[STATE];
    // What Keras does not have is there only where Keras would compute something else.
    const rows = HYPERPARAMETERS.filter((row) => !row.isOwn || hyperparameters[row.option] !== row.default);
    const values = rows.map((row) => [row.key, hyperparameters[row.option]]);
    return {
      name: this.name,
      learning_rate:
        typeof rate === "object" ? serialize(rate) : typeof rate === "function" ? functionConfig(rate) : rate,
      ...Object.fromEntries(values),
    };
  }

  /**
   * The optimizer with Keras' configuration: what `getConfig`, here or in Keras, returns, or any part of it. A
   * subclass whose constructor takes the options first makes one of its own.
   *
   * ```ts
   * RMSprop.fromConfig({ learning_rate: 0.01, rho: 0.95 }).rho; // 0.95
   * ```
   *
   * @throws {TypeError | RangeError} if the configuration is not valid, or holds a function as learning rate.
   */
  static fromConfig<Class extends RMSprop>(
    this: new (
      options: RMSpropOptions,
    ) => Class,
    config: RMSpropConfigInput,
  ): Class {
    const options = optionsFromConfig(config);
    const rate = options["learningRate"];
    if (typeof rate === "object" && rate !== null) options["learningRate"] = deserialize(rate as SerializedInput);
    return new this(options);
  }
}

/** Keras' JSON of a function: its name, from which nothing can be restored. */
function functionConfig({ name }: { readonly name: unknown }): Serialized {
  const config = typeof name === "string" ? name : "";
  return { module: "builtins", class_name: "function", config, registered_name: "function" };
}
