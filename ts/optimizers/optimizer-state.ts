// What an optimizer knows, built or not: hyper-parameters, learning rate, exclusions from weight decay, and once it is built
// the arrays in linear memory. A LossScaleOptimizer shares the state of the optimizer that it wraps.

import { LAST_STEP, OUTCOMES, SLOTS } from "../generated/codes.js";
import { type Descriptor, HYPERPARAMETERS, type Hyperparameters } from "../generated/hyperparameters.js";
import { lengthOf, type Numbers } from "../memory/numbers.js";
import { defaultRuntime, type Runtime, type View } from "../memory/runtime.js";
import type { AnyVariable } from "../memory/variable.js";
import { finiteFloat32 } from "../support/checks.js";
import { notBuilt, StateError } from "../support/errors.js";
import { ASSERT_NOT_FREED, PEEK, RUNTIME } from "../support/internal.js";
import { BuiltOptimizer } from "./built-optimizer.js";
import { assertStateFits, boundaryNumber, withHyperparameter } from "./hyperparameters.js";
import { LastStep, type StepRecord } from "./last-step.js";
import { type LearningRate, lockedLearningRateAt, replacedLearningRate } from "./learning-rate.js";
import { type CheckedMeasure, checkedMeasure, NO_MEASURE } from "./measure.js";
import { countVariable, type OptimizerVariable, rateVariable, SlotVariable } from "./optimizer-variable.js";
import { OverrideIndex } from "./override-index.js";
import { assertOverridesMatch, type Override, type ResolvedOverrides } from "./overrides.js";
import { type Selection, selects } from "./variable-selection.js";

/** What one call updates, and the gradients to copy in first. All of it was checked. */
export interface Update {
  /** The variables to update. */
  readonly variables: readonly AnyVariable[];
  /** The variables to build the optimizer with, if it is not built: also those without a gradient. */
  readonly trained: readonly AnyVariable[];
  readonly gradients: readonly Numbers[] | undefined;
}

/** Variables have the names that patterns are searched in. */
const byItself = (variable: AnyVariable): AnyVariable => variable;

export class OptimizerState {
  readonly #name: string;
  #hyperparameters: Hyperparameters;
  #learningRate: LearningRate;
  #excluded: Selection = { variables: new Set(), patterns: [] };
  #overrides = new OverrideIndex(byItself);
  #measure: CheckedMeasure = NO_MEASURE;
  #built: BuiltOptimizer | undefined;
  readonly #lastStep: LastStep;
  /** The variables of the last call that selected some. */
  #selected: readonly AnyVariable[] = [];
  #freed = false;

  /** `name` is the optimizer's, for errors and for the paths of its variables. */
  constructor(name: string, hyperparameters: Hyperparameters, learningRate: LearningRate) {
    this.#name = name;
    this.#hyperparameters = hyperparameters;
    this.#learningRate = learningRate;
    this.#lastStep = new LastStep(() => this.#record());
  }

  get hyperparameters(): Hyperparameters {
    return this.#hyperparameters;
  }

  /** Sets the hyper-parameter in this row of the table, or throws. */
  set(row: number, value: unknown): void {
    this.assertNotFreed();
    const descriptor = HYPERPARAMETERS[row] as Descriptor;
    const changed = withHyperparameter(this.#hyperparameters, descriptor, value);
    if (this.#built) assertStateFits(this.#built.builtWith, changed, descriptor.option);
    this.#hyperparameters = changed;
    this.#built?.set(row, boundaryNumber(descriptor, changed));
  }

  /** The learning rate as it was given: a number, a schedule or a function. */
  get learningRate(): LearningRate {
    return this.#learningRate;
  }

  set learningRate(rate: unknown) {
    this.assertNotFreed();
    this.#learningRate = replacedLearningRate(this.#learningRate, rate);
  }

  /** The float32 learning rate at `rawIterations`. */
  get currentLearningRate(): number {
    this.assertNotFreed();
    return this.#rate(this.#built?.runtime);
  }

  /** What the last step did; `null` before the first. */
  get lastStep(): LastStep | null {
    this.assertNotFreed();
    const outcome = this.#built?.lastStep[LAST_STEP.outcome] ?? 0;
    return OUTCOMES[outcome] === "none" ? null : this.#lastStep;
  }

  #record(): StepRecord {
    const { built } = this;
    const numbers = built.lastStep;
    const selects = (numbers[LAST_STEP.selected] as number) >= 0;
    const variables = () => built.unfrozen(selects ? this.#selected : built.variables);
    return { numbers, variables, nonFinite: built.nonFinite };
  }

  /** Which norms steps compute that no option needs. */
  get measure(): CheckedMeasure {
    return this.#measure;
  }

  set measure(measure: unknown) {
    this.assertNotFreed();
    const checked = checkedMeasure(measure);
    this.#built?.setMeasure(checked);
    this.#measure = checked;
  }

  get rawIterations(): number {
    this.assertNotFreed();
    return this.#built?.rawIterations ?? 0;
  }

  get iterations(): number {
    this.assertNotFreed();
    return this.#built?.iterations ?? 0;
  }

  /** The runtime with the arrays; `undefined` before `build`. */
  get runtime(): Runtime | undefined {
    return this.#built?.runtime;
  }

  /** The variables that the optimizer was built with; `undefined` before `build`. */
  get trained(): readonly AnyVariable[] | undefined {
    this.assertNotFreed();
    return this.#built?.variables;
  }

  get isBuilt(): boolean {
    return this.#built !== undefined;
  }

  /** The arrays, or an error before `build` and after `free`. */
  get built(): BuiltOptimizer {
    return this.#built ?? this.#notBuilt();
  }

  /** Allocates the state, if there is none, and does `then`. If that throws, what was allocated is given back. */
  build<T>(variables: readonly AnyVariable[], then: (built: BuiltOptimizer) => T): T {
    const { isBuilt } = this;
    this.#built ??= this.#build(variables);
    try {
      return then(this.#built);
    } catch (error) {
      if (!isBuilt) this.#release();
      throw error;
    }
  }

  /**
   * Trains these variables from now on, instead of those before. Variables that were trained before keep their state, the
   * others begin as in `build`. If there is no room, nothing has changed.
   *
   * @returns a function that frees the former state, or with `false` goes back to it.
   */
  rebuild(variables: readonly AnyVariable[]): (keep: boolean) => void {
    this.assertNotFreed();
    const old = this.#built;
    const built = this.#build(variables, old);
    if (old) {
      built.continueFrom(old);
      built.variables.forEach((variable, i) => {
        const before = old.find(variable);
        if (before === undefined) return;
        for (const slot of SLOTS)
          built
            .slotView(slot, i)
            ?.peek()
            .set(old.slotView(slot, before)?.peek() ?? []);
      });
    }
    this.#built = built;
    return (keep) => {
      if (!keep) this.#built = old;
      (keep ? old : built)?.free();
    };
  }

  /** Trains these variables too: their state begins at zero, their averages at their values. */
  add(variables: readonly AnyVariable[]): void {
    const { built } = this;
    built.runtime.assertNotCorrupted();
    const known = variables.find((variable) => built.find(variable) !== undefined);
    if (known) throw new StateError(`Variable "${known.path}" is one of this optimizer's already.`);
    const [first] = variables;
    if (!first) return;
    if (first[RUNTIME] !== built.runtime) {
      throw new RangeError(
        `Argument \`variables\` must be of the optimizer's runtime; "${first.path}" belongs to another one.`,
      );
    }
    this.rebuild([...built.variables, ...variables])(true);
    const after = this.built;
    // An average of zero would pull towards zero: only Keras' first step replaces an average.
    for (const variable of variables) {
      after.slotView("average", after.indexOf(variable))?.peek().set(variable[PEEK]());
    }
  }

  /** Trains these variables no longer, which may have been freed. */
  remove(variables: readonly AnyVariable[]): void {
    const { built } = this;
    built.runtime.assertNotCorrupted();
    for (const variable of variables) built.indexOf(variable);
    const removed = new Set(variables);
    if (removed.size === 0) return;
    this.rebuild(built.variables.filter((variable) => !removed.has(variable)))(true);
    // Or they would be kept from the garbage collector.
    this.#overrides = this.#overrides.without(removed);
  }

  /** Throws if a step over these variables is not possible now; changes nothing. */
  check(variables: readonly AnyVariable[]): void {
    this.assertNotFreed();
    const built = this.#built;
    (built?.runtime ?? variables[0]?.[RUNTIME])?.assertUnlocked("A step");
    for (const variable of variables) {
      built?.indexOf(variable);
      variable[ASSERT_NOT_FREED]();
    }
    built?.assertAlive();
  }

  /** One step over all variables with their own gradients, under the loss scale with this handle; 0: none. */
  step(scale: number): void {
    const built = this.#built ?? this.#notBuilt();
    const learningRate = this.#learningRate;
    const rate = typeof learningRate === "number" ? learningRate : this.#rate(built.runtime);
    this.#overrides.assertFinite(rate, built.variables);
    built.step(rate, scale);
  }

  /** Builds the optimizer if it is not built, and does one step. `scale` gives the loss scale's handle once it is built. */
  run({ variables, gradients, trained }: Update, scale: () => number): void {
    // The user's learning rate comes first: if it throws, nothing has changed.
    const rate = this.#rate(this.#built?.runtime ?? trained[0]?.[RUNTIME]);
    this.check(trained);
    variables.forEach(({ size, path }, i) => {
      const numbers = gradients?.[i];
      if (numbers && lengthOf(numbers) !== size)
        throw new StateError(`The gradient of variable "${path}" changed its length during the call.`);
    });
    this.#overrides.assertFinite(rate, variables);
    this.build(trained, (built) => {
      const all = variables.length === built.variables.length && variables.every((v, i) => v === built.variables[i]);
      const indices = all ? undefined : variables.map((variable) => built.indexOf(variable));
      built.step(rate, scale(), indices, gradients);
      if (indices) this.#selected = variables;
    });
  }

  /** Evaluates the learning rate once and holds it while `work` runs. */
  withLearningRate<T>(work: () => T): T {
    const now = this.currentLearningRate;
    // Not before: the function may have set another.
    const rate = this.#learningRate;
    this.#learningRate = now;
    try {
      return work();
    } finally {
      this.#learningRate = rate;
    }
  }

  /** Iterations, the learning rate if it is a number, and the slots, in Keras' order. */
  get variables(): readonly OptimizerVariable[] {
    this.assertNotFreed();
    const name = this.#name;
    const built = this.#built;
    built?.runtime.assertNotCorrupted();
    // Not `built`: another list of variables makes another one.
    const assignIterations = (value: number) => {
      if (this.#built) this.#built.rawIterations = value;
    };
    const list = [countVariable(name, "iteration", () => this.rawIterations, assignIterations)];
    if (typeof this.#learningRate === "number") {
      const assign = (value: number) => {
        this.#learningRate = Math.fround(value);
      };
      list.push(rateVariable(name, "learning_rate", () => this.currentLearningRate, assign, finiteFloat32));
    }
    for (const slot of SLOTS) {
      built?.variables.forEach((variable, i) => {
        if (!built.keeps(slot, i)) return;
        const read = () => {
          const now = this.built;
          return now.slotView(slot, now === built ? i : now.indexOf(variable)) as View<Float32Array<ArrayBuffer>>;
        };
        list.push(new SlotVariable(name, slot, variable, read));
      });
    }
    return list;
  }

  exclude(excluded: Selection): void {
    const set = this.#evaluated(this.#built?.variables ?? [], (variable) => this.#overrides.of(variable), excluded);
    this.#excluded = excluded;
    set(this.#built);
  }

  override(override: Override): void {
    const built = this.#built;
    if (built) assertOverridesMatch([override], () => built.variables, byItself, built);
    const { selection } = override;
    const hasPatterns = selection.patterns.length > 0;
    // Without patterns, the others need not be looked at.
    const selected = hasPatterns
      ? (built?.variables ?? []).filter((variable) => selects(selection, variable, variable))
      : [...selection.variables].filter((variable) => built?.has(variable));
    const set = this.#evaluated(selected, (variable) => this.#overrides.of(variable, override));
    this.#overrides.add(override);
    set(built);
  }

  /** Replaces all overrides by these. */
  replaceOverrides(list: readonly Override[]): void {
    const overrides = new OverrideIndex(byItself, list);
    const set = this.#evaluated(this.#built?.variables ?? [], (variable) => overrides.of(variable));
    this.#overrides = overrides;
    set(this.#built);
  }

  /** The overrides of a variable. */
  overridesOf(variable: AnyVariable): ResolvedOverrides {
    this.#built?.indexOf(variable);
    return this.#overrides.of(variable);
  }

  /**
   * Evaluates overrides and exclusions of these variables before anything changes: a user's regular expression can throw. Returns
   * what sets them in memory.
   */
  #evaluated(
    variables: readonly AnyVariable[],
    overridesOf: (variable: AnyVariable) => ResolvedOverrides,
    excluded = this.#excluded,
  ): (built: BuiltOptimizer | undefined) => void {
    const all = variables.map((variable) => [overridesOf(variable), selects(excluded, variable, variable)] as const);
    return (built) => {
      variables.forEach((variable, i) => {
        const [overrides, isExcluded] = all[i] as (typeof all)[number];
        built?.setOverrides(built.indexOf(variable), overrides, isExcluded);
      });
    };
  }

  free(): void {
    this.#release();
    this.#freed = true;
  }

  assertNotFreed(): void {
    if (this.#freed) throw new StateError(`Optimizer "${this.#name}" was freed.`);
  }

  /** The learning rate now. */
  #rate(own: Runtime | undefined): number {
    const rate = this.#learningRate;
    // A number needs no runtime, which perhaps cannot be had.
    if (typeof rate === "number") return rate;
    return lockedLearningRateAt(rate, this.rawIterations, own ?? defaultRuntime());
  }

  /** With `old`, keeps the slots that it has, also those whose option was switched off meanwhile. */
  #build(variables: readonly AnyVariable[], old?: BuiltOptimizer): BuiltOptimizer {
    // A user's regular expression can throw: before there is anything to give back.
    const setOverrides = this.#evaluated(variables, (variable) => this.#overrides.of(variable));
    if (!old) assertOverridesMatch(this.#overrides.all, () => variables, byItself);
    const runtime = variables[0]?.[RUNTIME] ?? old?.runtime ?? defaultRuntime();
    const builtWith = old?.builtWith ?? this.#hyperparameters;
    const built = new BuiltOptimizer(runtime, builtWith, Object.freeze([...variables]));
    try {
      if (this.#measure !== NO_MEASURE) built.setMeasure(this.#measure);
    } catch (error) {
      built.free();
      throw error;
    }
    HYPERPARAMETERS.forEach((row, i) => {
      if (this.#hyperparameters[row.option] !== builtWith[row.option])
        built.set(i, boundaryNumber(row, this.#hyperparameters));
    });
    setOverrides(built);
    return built;
  }

  #release(): void {
    this.#built?.free();
    this.#built = undefined;
  }

  #notBuilt(): never {
    this.assertNotFreed();
    throw notBuilt(this.#name);
  }
}
