// What all optimizers share, as Keras' base_optimizer.py: building, stepping, the loss scale's part in both, saving, freeing.

import { SLOTS, type Slot } from "../generated/codes.js";
import { checkedVariables, distinctVariables } from "../memory/checked-variables.js";
import { checkedNumbers, copyIfAliased, type Numbers } from "../memory/numbers.js";
import { type AnyVariable, Variable } from "../memory/variable.js";
import { checkedObject } from "../support/checks.js";
import { DISPOSE } from "../support/disposable.js";
import { notBuilt } from "../support/errors.js";
import { ASSERT_NOT_FREED, CHECKED_GRADIENT, LOSS_SCALE, RUNTIME, SCALE_HANDLE, STATE } from "../support/internal.js";
import { message, NO_GRADIENTS, showReturned } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import type { OptimizerConfig } from "./config.js";
import type { LastStep } from "./last-step.js";
import type { LearningRate } from "./learning-rate.js";
import type { Measure } from "./measure.js";
import type { OptimizerState, Update } from "./optimizer-state.js";
import type { OptimizerVariable } from "./optimizer-variable.js";
import { checkedOverride, type ResolvedOverrides, type VariableOverrides } from "./overrides.js";
import { checkedSelection, type OverrideSelection, type WeightDecayExclusion } from "./variable-selection.js";

/**
 * A gradient handed in: `null` for a variable the loss does not depend on. For a variable with `gradientDtype: "float16"`
 * or `"bfloat16"`, a `Uint16Array` of the numbers' bits, or for the former a `Float16Array`.
 */
export type Gradient = Float32Array | Numbers | null;

/** What `minimize` hands to the loss. */
export interface LossContext<Variables extends readonly AnyVariable[] = readonly Variable[]> {
  /** What the gradients must be multiplied by; 1 unless the loss is scaled. */
  readonly lossScale: number;
  /** The variables whose gradients must be filled: those that `minimize` was given, in their order. */
  readonly variables: Readonly<Variables>;
}

/** A list of variables as it is; one variable as a list. */
export type Listed<Variables extends readonly AnyVariable[] | AnyVariable> = Variables extends AnyVariable
  ? readonly [Variables]
  : Extract<Variables, readonly AnyVariable[]>;

/** Keras' store of an optimizer's state. The key of an array is its index in `variables`: "0", "1", … */
export type Store = Record<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;

/** The end of a block with `using` frees an optimizer. */
export interface Optimizer extends Disposable {}

/**
 * What RMSprop and LossScaleOptimizer share. (A type: there is nothing to construct.)
 *
 * ```ts
 * w.gradient[0] = w.value[0]!;
 * optimizer.step();
 * [optimizer.built, optimizer.iterations, optimizer.rawIterations]; // [true, 1, 1]
 * ```
 */
export abstract class Optimizer {
  /**
   * The name in Keras' configuration and in the paths of `variables`.
   *
   * ```ts
   * new RMSprop({ name: "rms" }).name; // "rms"
   * ```
   */
  readonly name: string;
  readonly #state: OptimizerState;
  /** The variables of the loss that is being computed. */
  #minimizing: readonly AnyVariable[] | undefined;

  /** @internal */
  constructor(name: string, state: OptimizerState) {
    this.name = name;
    this.#state = state;
  }

  /** Whether `build` was called, by the user or by the first `apply`. */
  get built(): boolean {
    return this.#state.isBuilt;
  }

  /**
   * Updates so far: `rawIterations`, divided by `gradientAccumulationSteps` and rounded down if gradients are accumulated.
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get iterations(): number {
    return this.#state.iterations;
  }

  /**
   * Calls so far, also those that only accumulated gradients, but not those that a loss scale skipped. Schedules are evaluated
   * at it.
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get rawIterations(): number {
    return this.#state.rawIterations;
  }

  /**
   * The float32 learning rate at `rawIterations`. Can be set to a number, a schedule or a function, but not to a number where
   * a schedule or a function is in use: that is a `StateError`.
   *
   * ```ts
   * optimizer.learningRate = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 1000 });
   * optimizer.learningRate; // 0.1
   * ```
   *
   * @throws {TypeError | RangeError} if set to something else.
   */
  get learningRate(): number {
    return this.#state.currentLearningRate;
  }

  /** @ignore */
  set learningRate(rate: LearningRate) {
    this.#state.learningRate = rate;
  }

  /**
   * What the last step did: its outcome, learning rate and loss scale, whether gradients were finite, norms. `null` before the
   * first. One object, whose members are read when they are asked for.
   *
   * ```ts
   * optimizer.step();
   * optimizer.lastStep?.outcome; // "updated"
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get lastStep(): LastStep | null {
    return this.#state.lastStep;
  }

  /**
   * Which norms `lastStep` has even if no option needs them, from the next step on. Default: none. It changes nothing in a run,
   * and is in no configuration or checkpoint.
   *
   * ```ts
   * optimizer.measure = { gradientNorm: true, updateNorm: false };
   * optimizer.apply([[3]]);
   * optimizer.lastStep?.gradientNorm; // 3
   * ```
   *
   * @throws {TypeError} if set to something else.
   */
  get measure(): Measure {
    return this.#state.measure;
  }

  /** @ignore */
  set measure(measure: Measure) {
    this.#state.measure = measure;
  }

  /**
   * All of the optimizer's variables in Keras' order: iterations, the learning rate if it is a number, and the slots.
   *
   * ```ts
   * optimizer.variables.map(({ slot }) => slot); // [null, null, "velocity"]
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get variables(): readonly OptimizerVariable[] {
    return this.#state.variables;
  }

  /**
   * The variables the optimizer was built with; none before `build`.
   *
   * ```ts
   * optimizer.trainableVariables[0] === w; // true
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  get trainableVariables(): readonly AnyVariable[] {
    return this.#state.trained ?? [];
  }

  /**
   * Keras' configuration: what Keras' `get_config` returns, and `fromConfig` takes.
   *
   * ```ts
   * Object.keys(optimizer.getConfig()).slice(0, 3); // ["name", "learning_rate", "weight_decay"]
   * ```
   */
  abstract getConfig(): OptimizerConfig;

  /** @internal */
  get [STATE](): OptimizerState {
    return this.#state;
  }

  /** @internal */
  get [LOSS_SCALE](): number | null {
    return this.#state.hyperparameters.lossScaleFactor;
  }

  /** @internal */
  [SCALE_HANDLE](): number {
    return 0;
  }

  /**
   * Allocates the state for these variables, at zero. Does nothing if the optimizer is built with them.
   *
   * ```ts
   * const kernel = new Variable([1, 2], { path: "dense/kernel" });
   * const rms = new RMSprop();
   * rms.build([kernel]);
   * rms.slot("velocity", kernel); // [0, 0]
   * ```
   *
   * @param variables distinct ones of one runtime; their order is that of Keras' `trainable_variables`.
   * @throws {StateError} if it is built without one of them, or a variable was freed.
   * @throws {RangeError} if one is listed twice, or they belong to different runtimes.
   * @throws {OutOfMemoryError} if there is no room.
   */
  build(variables: readonly AnyVariable[]): void {
    this.#state.assertNotFreed();
    this.#build(checkedVariables(variables));
  }

  #build(variables: readonly AnyVariable[]): void {
    this.#state.build(variables, (built) => {
      for (const variable of variables) built.indexOf(variable);
      this[SCALE_HANDLE]();
    });
  }

  /**
   * Trains these variables too, from the next step on; builds the optimizer if it is not built. The state of the others
   * keeps its bits. That of the new ones begins at zero, and their moving averages at their values. A gradient accumulation
   * goes on, to which the new ones have given nothing yet.
   *
   * All state moves: take views from `slot` anew. While it does, there is room for it twice.
   *
   * ```ts
   * optimizer.add([new Variable([1, 2], { path: "head/kernel" })]);
   * optimizer.trainableVariables.length; // 2
   * ```
   *
   * @param variables distinct ones of the optimizer's runtime.
   * @throws {StateError} if one of them is trained already, a variable was freed, or the optimizer was.
   * @throws {RangeError | TypeError} if they are no distinct variables of the optimizer's runtime.
   * @throws {OutOfMemoryError} if there is no room.
   */
  add(variables: readonly AnyVariable[]): void {
    this.#state.assertNotFreed();
    const checked = checkedVariables(variables);
    if (this.#state.isBuilt) this.#state.add(checked);
    else this.#build(checked);
  }

  /**
   * Trains these variables no longer, and gives their state's memory back; the variables stay, and may have been freed. The
   * state of the others keeps its bits. All of it moves, as in `add`.
   *
   * ```ts
   * optimizer.remove([w]);
   * optimizer.trainableVariables.length; // 0
   * ```
   *
   * @param variables some of `trainableVariables`.
   * @throws {StateError} if one of them is not trained, another variable was freed, or the optimizer is not built or was freed.
   * @throws {RangeError | TypeError} if they are no distinct variables.
   * @throws {OutOfMemoryError} if there is no room for the state of the others twice.
   */
  remove(variables: readonly AnyVariable[]): void {
    this.#trainedVariables();
    this.#state.remove(distinctVariables(variables, () => {}));
  }

  /**
   * One step over all variables, with the gradients in their `gradient` views. One call into WebAssembly (or its JavaScript
   * translation), and no allocation.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  step(): void {
    this.#state.step(this[SCALE_HANDLE]());
  }

  /**
   * One step with these gradients, which are copied in; builds the optimizer if it is not built. A variable whose
   * gradient is `null` is left alone. An empty list does nothing.
   *
   * ```ts
   * optimizer.apply([[10]]); // 1
   * ```
   *
   * @param gradients one for each variable: as many numbers as that has values, in C order, or `null`.
   * @param variables which variables the gradients belong to; default: all the optimizer was built with.
   * @returns `rawIterations` after the call.
   * @throws {RangeError | TypeError} for gradients that do not fit their variables, or if all are `null`.
   * @throws {StateError} for variables that the optimizer was not built with, or that were freed.
   * @throws {OutOfMemoryError} if there is no room to build the optimizer.
   */
  apply(gradients: readonly Gradient[], variables?: readonly AnyVariable[]): number {
    if (!Array.isArray(gradients))
      throw new TypeError(message("gradients", "an array with one gradient per variable", gradients));
    const list: readonly unknown[] = [...gradients];
    // An empty list needs no variables, and so no optimizer that is built.
    const implied = () => (list.length === 0 ? [] : this.#trainedVariables(", or give `apply` its variables"));
    const targets = variables === undefined ? implied() : checkedVariables(variables);
    if (list.length !== targets.length) {
      throw new RangeError(message("gradients", `an array of ${targets.length}, one gradient per variable`, gradients));
    }
    return this.#apply(list, targets, (i) => `gradients[${i}]`);
  }

  /** `argument` names a gradient in messages. */
  #apply(list: readonly unknown[], targets: readonly AnyVariable[], argument: (i: number) => string): number {
    if (targets.length > 0 && list.every((gradient) => gradient === null)) {
      throw new RangeError(NO_GRADIENTS);
    }
    this.#state.check(targets);
    const given: AnyVariable[] = [];
    const values: Numbers[] = [];
    targets.forEach((variable, i) => {
      const gradient = list[i];
      if (gradient === null) return;
      values.push(copyIfAliased(variable[RUNTIME], variable[CHECKED_GRADIENT](argument(i), gradient)));
      given.push(variable);
    });
    this.#run({ variables: given, gradients: values, trained: targets });
    return this.#state.rawIterations;
  }

  /**
   * `apply` with pairs of gradient and variable.
   *
   * ```ts
   * optimizer.applyGradients([[[10], w]]); // 1
   * ```
   *
   * @param pairs gradients as `apply` takes them, each with its variable.
   * @returns `rawIterations` after the call.
   * @throws {TypeError} if `pairs` are no pairs; and what `apply` throws.
   */
  applyGradients(pairs: Iterable<readonly [Gradient, AnyVariable]>): number {
    const rule = "an iterable of pairs of gradient and variable";
    if (typeof pairs?.[Symbol.iterator] !== "function") throw new TypeError(message("pairs", rule, pairs));
    const list = [...pairs];
    for (const pair of list) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new TypeError(message("pairs", rule, pair));
    }
    const variables = list.map(([, variable]) => variable);
    const targets = checkedVariables(variables, "pairs", (i) => `pairs[${i}][1]`);
    const gradients = list.map(([gradient]) => gradient);
    return this.#apply(gradients, targets, (i) => `pairs[${i}][0]`);
  }

  /**
   * One step on a loss that fills the gradients of `variables` itself.
   *
   * ```ts
   * optimizer.minimize(({ lossScale, variables: [v] }) => {
   *   v.gradient[0] = lossScale * v.value[0]!;
   *   return v.value[0]! ** 2 / 2;
   * }, w);
   * ```
   *
   * @param loss computes the loss, and writes the gradients of `variables`, multiplied by `lossScale`.
   * @param variables a variable, or an array of them.
   * @returns what `loss` returned.
   * @throws {TypeError} if that is not a number. If `loss` throws, nothing but the gradients it wrote has changed.
   * @throws {RangeError | TypeError} if `variables` are no distinct variables of one runtime.
   * @throws {StateError} for variables that the optimizer was not built with, or that were freed.
   * @throws {OutOfMemoryError} if there is no room to build the optimizer.
   */
  minimize<const Variables extends readonly AnyVariable[] | AnyVariable>(
    loss: (context: LossContext<Listed<Variables>>) => number,
    variables: Variables,
  ): number {
    if (typeof loss !== "function") throw new TypeError(message("loss", "a function", loss));
    const targets = checkedVariables(variables instanceof Variable ? [variables] : variables);
    this.#state.check(targets);
    const outer = this.#minimizing;
    this.#minimizing = targets;
    let value: unknown;
    try {
      value = loss({ lossScale: this[LOSS_SCALE] ?? 1, variables: targets as never });
    } finally {
      this.#minimizing = outer;
    }
    if (typeof value !== "number") {
      throw new TypeError(`The loss must return a number; it returned ${showReturned(value)}.`);
    }
    this.#run({ variables: targets, gradients: undefined, trained: targets });
    return value;
  }

  /** One step with gradients that were checked. */
  #run(update: Update): void {
    // Without gradients there is nothing to do; but Keras counts it as a finite step of a dynamic loss scale.
    if (update.variables.length === 0 && (!this.built || this[SCALE_HANDLE]() === 0)) return;
    this.#state.run(update, () => this[SCALE_HANDLE]());
  }

  /**
   * The loss times the loss scale, in float32; the loss itself if it is not scaled.
   *
   * ```ts
   * new RMSprop({ lossScaleFactor: 1024 }).scaleLoss(0.5); // 512
   * ```
   *
   * @param loss a number.
   * @throws {TypeError} if the loss is no number.
   * @throws {StateError} if the optimizer was freed.
   */
  scaleLoss(loss: number): number {
    this.#state.assertNotFreed();
    if (typeof loss !== "number") throw new TypeError(message("loss", "a number", loss));
    const scale = this[LOSS_SCALE];
    return scale === null ? loss : Math.fround(Math.fround(loss) * Math.fround(scale));
  }

  /**
   * The state kept for a variable: a view with the variable's size, or `null` if there is none.
   *
   * ```ts
   * optimizer.slot("velocity", w); // [0]
   * ```
   *
   * @param name which state: `"velocity"` or another `Slot`.
   * @param variable one that the optimizer trains.
   * @throws {TypeError} if there is no slot of this name.
   * @throws {StateError} if the optimizer was not built with the variable, or was freed.
   */
  slot(name: Slot, variable: AnyVariable): Float32Array<ArrayBuffer> | null {
    if (!SLOTS.includes(name)) throw new TypeError(message("name", `one of ${SLOTS.join(", ")}`, name));
    const { built } = this.#state;
    return built.slot(name, built.indexOf(variable));
  }

  /**
   * Excludes variables from weight decay: those listed, and those in whose name or path one of the patterns is found. Each
   * call replaces the one before; it may come before or after `build`.
   *
   * ```ts
   * optimizer.excludeFromWeightDecay({ variables: [w], names: ["bias"], paths: [/^encoder\//] });
   * ```
   *
   * @throws {TypeError} if `variables` holds something other than variables, or `names` or `paths` other than strings and
   * patterns.
   * @throws {RangeError} if a variable is listed twice, or a string is no valid pattern.
   * @throws {StateError} if the optimizer or a variable was freed.
   */
  excludeFromWeightDecay(which: WeightDecayExclusion): void {
    this.#state.assertNotFreed();
    this.#state.exclude(checkedSelection(which));
  }

  /**
   * Gives some variables another learning rate or weight decay, or freezes them; before or after `build`. Later calls win,
   * option by option; `null` takes an option back.
   *
   * ```ts
   * optimizer.override({ variables: [w] }, { learningRateMultiplier: 0.1 });
   * optimizer.override({ names: ["bias", "gamma"], optional: true }, { weightDecay: false });
   * optimizer.override({ paths: [/^encoder\//], optional: true }, { trainable: false });
   * ```
   *
   * @throws {RangeError} if a part of `which` matches no variable of the optimizer, unless `optional`: here if it is built,
   * otherwise in `build`, or the first step.
   * @throws {TypeError | RangeError} if `which` or `options` are not as documented.
   * @throws {StateError} if the optimizer or a variable was freed.
   */
  override(which: OverrideSelection, options: VariableOverrides): void {
    this.#state.assertNotFreed();
    this.#state.override(checkedOverride(which, options));
  }

  /**
   * What a variable does after all calls of `override`.
   *
   * ```ts
   * optimizer.overridesOf(w); // { learningRateMultiplier: 1, weightDecay: null, trainable: true }
   * ```
   *
   * @param variable one that the optimizer trains, or any before `build`.
   * @throws {StateError} if the optimizer is built without the variable, or was freed.
   */
  overridesOf(variable: AnyVariable): ResolvedOverrides {
    this.#state.assertNotFreed();
    return this.#state.overridesOf(variable);
  }

  /**
   * Sets all variables to their moving averages, for evaluation. Does nothing without `useEma`.
   *
   * ```ts
   * const rms = new RMSprop({ useEma: true, emaMomentum: 0.5, learningRate: 0.1 });
   * rms.apply([[1]], [w]);
   * rms.finalizeVariableValues();
   * w.value[0] === rms.slot("average", w)?.[0]; // true
   * ```
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  finalizeVariableValues(): void {
    const { built, hyperparameters } = this.#state;
    built.runtime.assertNotCorrupted();
    if (hyperparameters.useEma) built.finalize();
  }

  /**
   * Sets the gradients of all variables to 0.
   *
   * ```ts
   * w.gradient[0] = 3;
   * optimizer.zeroGradients();
   * w.gradient; // [0]
   * ```
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  zeroGradients(): void {
    // In the loss of the first `minimize` the optimizer is not built yet.
    const variables = this.#state.trained ?? this.#minimizing ?? this.#trainedVariables();
    for (const variable of variables) variable[ASSERT_NOT_FREED]();
    for (const variable of variables) variable.gradient.fill(0);
  }

  /**
   * A copy of all of the optimizer's variables, in Keras' layout: what Keras' `load_own_variables` takes, and
   * `loadOwnVariables`.
   *
   * ```ts
   * Object.keys(optimizer.saveOwnVariables()); // ["0", "1", "2"]
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  saveOwnVariables(): Store {
    return Object.fromEntries(this.variables.map((variable, i) => [String(i), variable.value.slice()]));
  }

  /**
   * Puts back what `saveOwnVariables`, here or in Keras, has saved: all of it, or nothing and an error.
   *
   * Options are not in it, so two of them are not checked, and must be as they were: `momentumMode`, if there is momentum
   * (Keras' is `"keras"`), and in the middle of an accumulation `gradientAccumulationSteps`. `load` of
   * `rmsprop-wasm/checkpoint` checks both.
   *
   * ```ts
   * const store = optimizer.saveOwnVariables();
   * optimizer.step();
   * optimizer.loadOwnVariables(store);
   * optimizer.iterations; // 0
   * ```
   *
   * @param store for each index in `variables`, as text, that variable's numbers in C order.
   * @throws {RangeError | TypeError} if an array is missing, unknown, or of another size.
   * @throws {StateError} if the optimizer is not built.
   */
  loadOwnVariables(store: Readonly<Record<string, Numbers | number>>): void {
    this.#trainedVariables();
    const given = checkedObject("store", store);
    const entryOf = (i: number, state: OptimizerVariable) => {
      if (Object.hasOwn(given, String(i))) return given[String(i)];
      throw new RangeError(`Argument \`store\` has no array "${i}" (${state.path}).`);
    };
    this.#load("store", Object.keys(given).length, entryOf, (i) => `store["${i}"]`);
  }

  #load(
    argument: string,
    count: number,
    entryOf: (i: number, state: OptimizerVariable) => unknown,
    nameOf: (i: number) => string,
  ): void {
    const { variables } = this;
    const { runtime } = this.#state;
    if (count !== variables.length) {
      throw new RangeError(
        `Argument \`${argument}\` must hold the ${variables.length} arrays of this optimizer; it holds ${count}.`,
      );
    }
    const values = variables.map((state, i) => {
      const { shape, variable, check } = state;
      const entry = entryOf(i, state);
      const name = nameOf(i);
      const numbers = checkedNumbers(
        name,
        typeof entry === "number" ? [entry] : entry,
        variable?.size ?? sizeOf(shape),
        () => `the size of ${state.path}`,
      );
      check?.(name, numbers[0] as number);
      // The arrays given can be views on the slots they are to overwrite.
      return runtime ? copyIfAliased(runtime, numbers) : numbers;
    });
    variables.forEach((variable, i) => {
      variable.assign(values[i] as Numbers);
    });
  }

  /**
   * What `saveOwnVariables` gives, as a list: what `setWeights` takes.
   *
   * ```ts
   * optimizer.getWeights().map(({ length }) => length); // [1, 1, 1]
   * ```
   *
   * @throws {StateError} if the optimizer was freed.
   */
  getWeights(): (Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>)[] {
    return this.variables.map(({ value }) => value.slice());
  }

  /**
   * `loadOwnVariables` from a list.
   *
   * ```ts
   * optimizer.setWeights(optimizer.getWeights());
   * ```
   *
   * @param weights for each of `variables` its numbers in C order.
   * @throws {TypeError} if `weights` is no list; and what `loadOwnVariables` throws.
   */
  setWeights(weights: readonly (Numbers | number)[]): void {
    if (!Array.isArray(weights)) throw new TypeError(message("weights", "an array of arrays", weights));
    this.#trainedVariables();
    this.#load(
      "weights",
      weights.length,
      (i) => weights[i],
      (i) => `weights[${i}]`,
    );
  }

  /**
   * Gives the state's memory back; the variables stay. Stepping and reading the state is a `StateError` from then on.
   *
   * ```ts
   * optimizer.free();
   * w.value[0]; // 10
   * optimizer.step(); // throws StateError: …
   * ```
   *
   * @throws {StateError} inside a constraint or a learning-rate callback.
   */
  free(): void {
    this.#state.free();
  }

  /** @internal */
  [DISPOSE](): void {
    this.free();
  }

  #trainedVariables(otherwise = ""): readonly AnyVariable[] {
    const trained = this.#state.trained;
    if (trained === undefined) throw notBuilt(this.name, otherwise);
    return trained;
  }
}
