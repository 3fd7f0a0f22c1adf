// Keras' RMSprop.

import { SLOTS, type Slot } from "../generated/codes.js";
import {
  type Descriptor,
  HYPERPARAMETERS,
  type HyperparameterConfig,
  type Hyperparameters,
} from "../generated/hyperparameters.js";
import { lengthOf } from "../memory/numbers.js";
import { defaultRuntime, type Runtime } from "../memory/runtime.js";
import type { AnyVariable } from "../memory/variable.js";
import { deserialize, type Serialized, type SerializedInput, serialize } from "../schedules/serialization.js";
import { checkedObject, option } from "../support/checks.js";
import { notBuilt, StateError } from "../support/errors.js";
import {
  ASSERT_NOT_FREED,
  CHECK,
  LOSS_SCALE,
  REBUILD,
  RUN,
  RUN_SCALED,
  RUNTIME,
  SET,
  STEP_SCALED,
  TRAINED,
  VALUES,
  WITH_LEARNING_RATE,
} from "../support/internal.js";
import { message, show } from "../support/messages.js";
import { checkedName } from "../support/names.js";
import { checkedVariables, type Update, type WeightDecayExclusion } from "./base-optimizer.js";
import { BuiltOptimizer } from "./built-optimizer.js";
import { TunableOptimizer } from "./generated/tunable-optimizer.js";
import {
  checkedLearningRate,
  checkedRate,
  type LearningRate,
  learningRateAt,
  replacedLearningRate,
} from "./learning-rate.js";
import { countVariable, type OptimizerVariable, rateVariable, slotVariable } from "./optimizer-variable.js";
import {
  boundaryNumber,
  checkedOptions,
  optionsFromConfig,
  type RMSpropOptions,
  readHyperparameters,
  withHyperparameter,
} from "./options.js";
import { keptSlots } from "./slots.js";

/** Keras' default. */
const DEFAULT_LEARNING_RATE = 0.001;

/**
 * Keras' configuration of an RMSprop: what `get_config` returns there. With options that Keras does not have, set to
 * anything but their defaults, it has their keys too, and Keras refuses it.
 */
export type RMSpropConfig = {
  /** The optimizer's name. */
  readonly name: string;
  /** A number (float32), or a serialized schedule or function. */
  readonly learning_rate: number | Serialized;
} & HyperparameterConfig;

/** A configuration as `RMSprop.fromConfig` takes it: all of it or any part. */
export type RMSpropConfigInput = {
  readonly [Key in keyof Omit<RMSpropConfig, "learning_rate">]?: RMSpropConfig[Key] | undefined;
} & {
  /** A number, or a serialized schedule. Default 0.001. */
  readonly learning_rate?: number | SerializedInput | undefined;
  /** That of a `LossScaleOptimizer` is another configuration. */
  readonly inner_optimizer?: never;
};

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
  /** The name in Keras' configuration and in the paths of `variables`. */
  readonly name: string;
  #hyperparameters: Hyperparameters;
  #learningRate: LearningRate;
  #trainer: BuiltOptimizer | undefined;
  #freed = false;
  #exclusion: Exclusion = { variables: new Set(), patterns: [] };

  /**
   * An optimizer that is not built yet; it allocates nothing.
   *
   * @throws {TypeError | RangeError} for options that are not as documented.
   */
  constructor(options: RMSpropOptions = {}) {
    super();
    const given = checkedOptions(options);
    this.#hyperparameters = readHyperparameters(given);
    const rate = option(given, "learningRate");
    this.#learningRate = checkedLearningRate("learningRate", rate === undefined ? DEFAULT_LEARNING_RATE : rate);
    this.name = checkedName(option(given, "name"), "rm_sprop");
  }

  /** @internal */
  get [VALUES](): Hyperparameters {
    return this.#hyperparameters;
  }

  /** @internal */
  [SET](place: number, value: unknown): void {
    this[ASSERT_NOT_FREED]();
    const row = HYPERPARAMETERS[place] as Descriptor;
    const changed = withHyperparameter(this.#hyperparameters, row, value);
    if (this.#trainer) assertStateFits(this.#trainer.builtWith, changed, row.option);
    this.#hyperparameters = changed;
    this.#trainer?.set(place, boundaryNumber(row, changed));
  }

  /** Whether `build` was called, by the user or by the first `apply`. */
  get built(): boolean {
    return this.#trainer !== undefined;
  }

  /** Calls so far, including those that only accumulated. */
  get rawIterations(): number {
    this[ASSERT_NOT_FREED]();
    return this.#trainer?.rawIterations ?? 0;
  }

  /** Updates so far: `rawIterations`, divided by `gradientAccumulationSteps` and rounded down if gradients are accumulated. */
  get iterations(): number {
    this[ASSERT_NOT_FREED]();
    return this.#trainer?.iterations ?? 0;
  }

  /**
   * The float32 learning rate at `rawIterations`. Can be set to a number, a schedule or a function, but not to a number where
   * a schedule or a function is in use: that is a `StateError`.
   */
  get learningRate(): number {
    this[ASSERT_NOT_FREED]();
    return this.#rate(this.#trainer?.runtime);
  }

  /** @ignore */
  set learningRate(rate: LearningRate) {
    this[ASSERT_NOT_FREED]();
    this.#learningRate = replacedLearningRate(this.#learningRate, rate);
  }

  /**
   * Allocates the state for these variables, at zero. Does nothing if the optimizer is built with them.
   *
   * @throws {StateError} if it is built without one of them, or a variable was freed.
   * @throws {RangeError} if one is listed twice, or they belong to different runtimes.
   * @throws {OutOfMemoryError} if there is no room.
   */
  build(variables: readonly AnyVariable[]): void {
    this[ASSERT_NOT_FREED]();
    const checked = checkedVariables(variables);
    if (!this.#trainer) this.#build(checked);
    else for (const variable of checked) this.#trainer.place(variable);
  }

  /**
   * @internal Trains these variables from now on, instead of those it was built with. State of those that were trained
   * before stays as it is, that of the others begins as in `build`. If there is no room, nothing has changed.
   *
   * @returns what ends it: it frees the state that there was before, or with `false` goes back to it.
   */
  [REBUILD](variables: readonly AnyVariable[]): (keep: boolean) => void {
    this[ASSERT_NOT_FREED]();
    const checked = checkedVariables(variables);
    const old = this.#trainer;
    const trainer = this.#build(checked);
    if (old) {
      trainer.rawIterations = old.rawIterations;
      trainer.variables.forEach((variable, place) => {
        const before = old.variables.indexOf(variable);
        if (before < 0) return;
        for (const slot of SLOTS) trainer.slot(slot, place)?.set(old.slot(slot, before) ?? []);
      });
    }
    return (keep) => {
      if (!keep) this.#trainer = old;
      (keep ? old : trainer)?.free();
    };
  }

  /**
   * One step over all variables, with the gradients in their `gradient` views.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  step(): void {
    const trainer = this.#trainer ?? this.#notBuilt();
    const rate = this.#learningRate;
    trainer.step(typeof rate === "number" ? rate : this.#rate(trainer.runtime), 0);
  }

  /** @internal */
  [STEP_SCALED](scale: number): boolean {
    const trainer = this.#trainer ?? this.#notBuilt();
    return trainer.step(this.#rate(trainer.runtime), scale);
  }

  /** @internal */
  [RUN](update: Update): void {
    if (update.variables.length > 0) this[RUN_SCALED](update, () => 0);
  }

  /** @internal */
  [RUN_SCALED]({ variables, gradients, built }: Update, scale: () => number): boolean {
    // The user's learning rate comes first: if it throws, nothing has changed.
    const rate = this.#rate(this.#trainer?.runtime ?? built[0]?.[RUNTIME]);
    this[CHECK](built);
    variables.forEach(({ size, path }, i) => {
      const numbers = gradients?.[i];
      if (numbers && lengthOf(numbers) !== size)
        throw new StateError(`The gradient of variable "${path}" changed its length during the call.`);
    });
    const wasBuilt = this.built;
    const trainer = this.#trainer ?? this.#build(built);
    const all = variables.length === trainer.variables.length && variables.every((v, i) => v === trainer.variables[i]);
    const places = all ? undefined : variables.map((variable) => trainer.place(variable));
    try {
      return trainer.step(rate, scale(), places, gradients);
    } catch (error) {
      if (!wasBuilt) this.#release();
      throw error;
    }
  }

  /**
   * @internal Evaluates the learning rate and does `work`, whose step takes it: the user's function is called now, and not
   * in the middle of what `work` does.
   */
  [WITH_LEARNING_RATE]<T>(work: () => T): T {
    const now = this.learningRate;
    // Not before: the function may have set another.
    const rate = this.#learningRate;
    this.#learningRate = now;
    try {
      return work();
    } finally {
      this.#learningRate = rate;
    }
  }

  /** @internal */
  [CHECK](variables: readonly AnyVariable[]): void {
    this[ASSERT_NOT_FREED]();
    const trainer = this.#trainer;
    (trainer?.runtime ?? variables[0]?.[RUNTIME])?.assertUnlocked("A step");
    for (const variable of variables) {
      trainer?.place(variable);
      variable[ASSERT_NOT_FREED]();
    }
    trainer?.assertAlive();
  }

  /** @internal */
  get [TRAINED](): readonly AnyVariable[] | undefined {
    this[ASSERT_NOT_FREED]();
    return this.#trainer?.variables;
  }

  /** @internal */
  get [RUNTIME](): Runtime | undefined {
    return this.#trainer?.runtime;
  }

  /** @internal */
  get [LOSS_SCALE](): number {
    return this.lossScaleFactor ?? 1;
  }

  /**
   * The loss times `lossScaleFactor`, in float32; the loss itself without one.
   *
   * @throws {TypeError} if the loss is no number.
   * @throws {StateError} if the optimizer was freed.
   */
  scaleLoss(loss: number): number {
    this[ASSERT_NOT_FREED]();
    if (typeof loss !== "number") throw new TypeError(message("loss", "a number", loss));
    const factor = this.lossScaleFactor;
    return factor === null ? loss : Math.fround(Math.fround(loss) * Math.fround(factor));
  }

  /**
   * The state kept for a variable: a view with the variable's size, or `null` if this optimizer keeps none.
   *
   * @throws {TypeError} if there is no slot of this name.
   * @throws {StateError} if the optimizer was not built with the variable, or was freed.
   */
  slot(name: Slot, variable: AnyVariable): Float32Array<ArrayBuffer> | null {
    if (!SLOTS.includes(name)) throw new TypeError(message("name", `one of ${SLOTS.join(", ")}`, name));
    const trainer = this.#trainer ?? this.#notBuilt();
    return trainer.slot(name, trainer.place(variable));
  }

  /** Iterations, the learning rate if it is a number, and the slots, in Keras' order. */
  get variables(): readonly OptimizerVariable[] {
    this[ASSERT_NOT_FREED]();
    const { name } = this;
    const trainer = this.#trainer;
    trainer?.runtime.assertNotCorrupted();
    const assignIterations = (value: number) => {
      if (trainer) trainer.rawIterations = value;
    };
    const list = [countVariable(name, "iteration", () => this.rawIterations, assignIterations)];
    if (typeof this.#learningRate === "number") {
      const assign = (value: number) => {
        this.#learningRate = Math.fround(value);
      };
      list.push(rateVariable(name, "learning_rate", () => this.learningRate, assign, checkedRate));
    }
    for (const slot of SLOTS) {
      trainer?.variables.forEach((variable, place) => {
        if (trainer.slot(slot, place) === null) return;
        list.push(slotVariable(name, slot, variable, () => trainer.slot(slot, place) as Float32Array<ArrayBuffer>));
      });
    }
    return list;
  }

  /**
   * Excludes variables from weight decay: those listed, and those in whose *name* one of the patterns is found. Each call
   * replaces the one before; it may come before or after `build`.
   *
   * @throws {TypeError} if `variables` holds something other than variables, or `names` other than strings and patterns.
   * @throws {RangeError} if a variable is listed twice, or a string is no valid pattern.
   * @throws {StateError} if the optimizer or a variable was freed.
   */
  excludeFromWeightDecay(which: WeightDecayExclusion): void {
    this[ASSERT_NOT_FREED]();
    const given = checkedObject("which", which, ["variables", "names"]);
    const [variables, names] = [option(given, "variables") ?? [], option(given, "names") ?? []];
    if (!Array.isArray(names))
      throw new TypeError(message("names", "an array of strings and regular expressions", names));
    // `from`, because `map` skips holes.
    const patterns = Array.from(names, (pattern: unknown, i) => checkedPattern(`names[${i}]`, pattern));
    const exclusion = { variables: new Set(checkedVariables(variables)), patterns };
    const decays = this.#trainer?.variables.map((variable) => !isExcluded(exclusion, variable));
    this.#exclusion = exclusion;
    decays?.forEach((value, place) => {
      this.#trainer?.setDecays(place, value);
    });
  }

  /**
   * Sets all variables to their moving averages, for evaluation. Does nothing without `useEma`.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  finalizeVariableValues(): void {
    const trainer = this.#trainer ?? this.#notBuilt();
    trainer.runtime.assertNotCorrupted();
    if (this.useEma) trainer.finalize();
  }

  /** Keras' configuration: what Keras' `get_config` returns, and `fromConfig` takes. */
  getConfig(): RMSpropConfig {
    const rate = this.#learningRate;
    const own = this.#hyperparameters;
    // What Keras does not have, the choices, is there only where Keras would compute something else.
    const rows = HYPERPARAMETERS.filter((row) => row.kind !== "choice" || own[row.option] !== row.default);
    const hyperparameters = rows.map((row) => [row.key, own[row.option]]);
    return {
      name: this.name,
      learning_rate:
        typeof rate === "object" ? serialize(rate) : typeof rate === "function" ? functionConfig(rate) : rate,
      ...Object.fromEntries(hyperparameters),
    };
  }

  /**
   * The optimizer with Keras' configuration: what `getConfig`, here or in Keras, returns, or any part of it. Of a subclass,
   * whose constructor takes the options first, it is one of that class.
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

  /** Gives the state's memory back; the variables stay. Steps and looks at the state are a `StateError` from then on. */
  free(): void {
    this.#release();
    this.#freed = true;
  }

  #release(): void {
    this.#trainer?.free();
    this.#trainer = undefined;
  }

  /** The learning rate now. A user's function may look around meanwhile, but not step or free. */
  #rate(own: Runtime | undefined): number {
    const rate = this.#learningRate;
    // A number needs no machine code, nor that it can be had.
    if (typeof rate === "number") return rate;
    const runtime = own ?? defaultRuntime();
    runtime.assertUnlocked("A learning rate");
    runtime.locked = true;
    try {
      return learningRateAt(rate, this.rawIterations, runtime);
    } finally {
      runtime.locked = false;
    }
  }

  #build(variables: readonly AnyVariable[]): BuiltOptimizer {
    // A regular expression of the user's can throw: before there is anything to give back.
    const decays = variables.map((variable) => !isExcluded(this.#exclusion, variable));
    const trainer = new BuiltOptimizer(
      variables[0]?.[RUNTIME] ?? defaultRuntime(),
      this.#hyperparameters,
      Object.freeze([...variables]),
    );
    decays.forEach((value, place) => {
      trainer.setDecays(place, value);
    });
    this.#trainer = trainer;
    return trainer;
  }

  /** @internal */
  [ASSERT_NOT_FREED](): void {
    if (this.#freed) throw new StateError(`Optimizer "${this.name}" was freed.`);
  }

  #notBuilt(): never {
    this[ASSERT_NOT_FREED]();
    throw notBuilt(this.name);
  }
}

/** Keras' JSON of a function: its name, from which nothing can be restored. */
function functionConfig({ name }: { readonly name: unknown }): Serialized {
  const config = typeof name === "string" ? name : "";
  return { module: "builtins", class_name: "function", config, registered_name: "function" };
}

/** What weight decay leaves alone. */
interface Exclusion {
  readonly variables: ReadonlySet<AnyVariable>;
  readonly patterns: readonly RegExp[];
}

function isExcluded({ variables, patterns }: Exclusion, variable: AnyVariable): boolean {
  // `search` starts at the beginning whatever a global or sticky pattern did before.
  return variables.has(variable) || patterns.some((pattern) => variable.name.search(pattern) >= 0);
}

function checkedPattern(argument: string, pattern: unknown): RegExp {
  if (pattern instanceof RegExp) return pattern;
  if (typeof pattern !== "string") throw new TypeError(message(argument, "a string or a regular expression", pattern));
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new RangeError(message(argument, "a valid regular expression", pattern), { cause });
  }
}

/**
 * State is allocated by `build`: what needs more of it afterwards is an error (an IndexError in Keras), and so is what
 * would take a momentum buffer for another.
 */
function assertStateFits(built: Hyperparameters, changed: Hyperparameters, option: keyof Hyperparameters): void {
  const there = keptSlots(built);
  const missing = keptSlots(changed).find((slot) => !there.includes(slot));
  if (missing !== undefined) {
    throw new StateError(
      `\`${option}\` cannot become ${show(changed[option])} after build: there is no ${missing} slot. Give \`${option}\` to the constructor.`,
    );
  }
  const { momentumMode } = changed;
  if (there.includes("momentum") && momentumMode !== built.momentumMode) {
    const held =
      built.momentumMode === "keras" ? "has the learning rate in it" : "does not have the learning rate in it";
    throw new StateError(
      `\`momentumMode\` cannot become "${momentumMode}" after build: the momentum slot ${held}. Give \`momentumMode\` to the constructor.`,
    );
  }
}
