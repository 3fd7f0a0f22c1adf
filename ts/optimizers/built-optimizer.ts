// A built optimizer in linear memory: its handle, its variables, its slots, and one step.

import { LAST_STEP, OUTCOMES, SLOTS, type Slot, STATUSES } from "../generated/codes.js";
import { HYPERPARAMETERS, type Hyperparameters } from "../generated/hyperparameters.js";
import type { KernelExports } from "../generated/kernel.js";
import type { Numbers } from "../memory/numbers.js";
import { type Runtime, View } from "../memory/runtime.js";
import { type AnyVariable, nonNeg } from "../memory/variable.js";
import { iterationLimit, OutOfMemoryError, StateError } from "../support/errors.js";
import { HANDLE } from "../support/internal.js";
import { plural, show } from "../support/messages.js";
import { boundaryNumber } from "./hyperparameters.js";
import { firstNonFinite, type NonFinite } from "./last-step.js";
import type { CheckedMeasure } from "./measure.js";
import type { ResolvedOverrides } from "./overrides.js";
import { keptSlots } from "./slots.js";
import { Snapshot } from "./snapshot.js";
import { UpdateNorm } from "./update-norm.js";

const DONE = STATUSES.indexOf("done");
const UPDATED = OUTCOMES.indexOf("updated");
const SKIPPED = STATUSES.indexOf("skipped");

/** From this many variables on, memory for their state is reserved at once. */
const MANY = 1000;

/** An estimate of the bytes that the crate takes for the state of these variables: a little more than measured. */
function stateBytes(hyperparameters: Hyperparameters, variables: readonly AnyVariable[]): number {
  const slots = keptSlots(hyperparameters).length;
  return variables.reduce((bytes, { size }) => bytes + 112 + slots * (4 * size + 64), 0);
}

export class BuiltOptimizer {
  readonly runtime: Runtime;
  readonly variables: readonly AnyVariable[];
  /** What decided which slots there are. */
  readonly builtWith: Hyperparameters;
  readonly #kernel: KernelExports;
  readonly #handle: number;
  readonly #indices: ReadonlyMap<AnyVariable, number>;
  /** One list per slot, in the order of `SLOTS`; `null` where a slot is not kept. */
  readonly #slots: readonly (readonly (View<Float32Array<ArrayBuffer>> | null)[])[];
  readonly #lastStep: View<Float32Array<ArrayBuffer>>;
  readonly #hasConstraints: boolean;
  readonly #snapshot: Snapshot | undefined;
  /** The indices of variables that steps leave alone. */
  readonly #frozen = new Set<number>();
  #updateNorm: UpdateNorm | undefined;
  /** Whether there is more to do around the crate's step: constraints, or a norm to measure. */
  #isWatched: boolean;
  /** A variable and an index, not an object: a step allocates nothing. */
  #nonFinite: AnyVariable | undefined;
  #nonFiniteIndex = 0;
  /** The runtime's `freedVariables` when all variables were last found; before that, none. */
  #aliveAt = -1;
  #freed = false;

  /** Allocates the state; throws, and leaves nothing behind, if there is no room. */
  constructor(runtime: Runtime, hyperparameters: Hyperparameters, variables: readonly AnyVariable[]) {
    runtime.enter("A build");
    const { kernel } = runtime;
    this.runtime = runtime;
    this.variables = variables;
    this.builtWith = hyperparameters;
    this.#kernel = kernel;
    this.#indices = new Map(variables.map((variable, i) => [variable, i]));
    this.#handle = kernel.optimizer_create();
    HYPERPARAMETERS.forEach((row, i) => {
      kernel.optimizer_set(this.#handle, i, boundaryNumber(row, hyperparameters));
    });
    if (variables.length >= MANY) runtime.reserve(stateBytes(hyperparameters, variables));
    let status = this.#handle === 0 ? STATUSES.indexOf("outOfMemory") : DONE;
    for (const variable of variables) status ||= kernel.optimizer_add(this.#handle, variable[HANDLE]);
    status ||= kernel.optimizer_build(this.#handle);
    runtime.synchronize();
    if (status !== DONE) {
      kernel.optimizer_free(this.#handle);
      runtime.running = false;
      this.#report(status);
    }
    this.#slots = SLOTS.map((_, slot) =>
      variables.map(({ size }, i) => {
        const address = kernel.optimizer_slot(this.#handle, slot, i);
        return address === 0 ? null : new View(Float32Array, runtime, address, size, this);
      }),
    );
    const numbers = Object.keys(LAST_STEP).length;
    this.#lastStep = new View(Float32Array, runtime, kernel.optimizer_watch(this.#handle, 0), numbers, this);
    runtime.running = false;
    runtime.track(this, kernel.optimizer_free, this.#handle);
    this.#hasConstraints = variables.some(({ constraint }) => constraint !== undefined);
    this.#isWatched = this.#hasConstraints;
    // Only a constraint that is not ours can throw. Gradients are here because `apply` copies them in before.
    if (variables.some(({ constraint }) => constraint !== undefined && constraint !== nonNeg)) {
      const slots = this.#slots.flat().filter((view) => view !== null);
      this.#snapshot = new Snapshot([
        ...variables.map((variable) => () => variable.value),
        ...variables.map((variable) => () => variable.gradient),
        ...slots.map((view) => () => view.get()),
        () => this.#lastStep.get(),
      ]);
    }
  }

  /** Whether the optimizer was built with the variable. */
  has(variable: AnyVariable): boolean {
    return this.#indices.has(variable);
  }

  /** The variable's index in the list that the optimizer was built with, if it is there. */
  find(variable: AnyVariable): number | undefined {
    return this.#indices.get(variable);
  }

  /** The variable's index in the list that the optimizer was built with; an error if it is not there. */
  indexOf(variable: AnyVariable): number {
    const index = this.find(variable);
    if (index === undefined) {
      throw new StateError(
        `Variable ${show(variable?.path)} is not one of this optimizer's (${named(this.variables)}): build it with all variables at once, or \`add\` it.`,
      );
    }
    return index;
  }

  /** Whether there is such state of a variable. Unlike `slot`, it makes no view. */
  keeps(slot: Slot, index: number): boolean {
    return this.#slots[SLOTS.indexOf(slot)]?.[index] !== null;
  }

  slot(slot: Slot, index: number): Float32Array<ArrayBuffer> | null {
    return this.slotView(slot, index)?.get() ?? null;
  }

  slotView(slot: Slot, index: number): View<Float32Array<ArrayBuffer>> | null {
    if (this.#freed) throw new StateError("The optimizer was freed.");
    return this.#slots[SLOTS.indexOf(slot)]?.[index] ?? null;
  }

  set(row: number, number: number): void {
    this.runtime.assertNotCorrupted();
    this.runtime.call(() => this.#kernel.optimizer_set(this.#handle, row, number));
  }

  /** Sets the overrides of the variable at this index; `isExcluded`: from weight decay. */
  setOverrides(index: number, overrides: ResolvedOverrides, isExcluded: boolean): void {
    this.runtime.assertNotCorrupted();
    const { learningRateMultiplier: multiplier, weightDecay, trainable } = overrides;
    const decays = weightDecay === null ? !isExcluded : weightDecay !== false;
    const lambda = typeof weightDecay === "number" ? weightDecay : Number.NaN;
    this.runtime.call(() =>
      this.#kernel.optimizer_override(this.#handle, index, multiplier, Number(decays), lambda, Number(trainable)),
    );
    if (trainable) this.#frozen.delete(index);
    else this.#frozen.add(index);
  }

  setMeasure({ gradientNorm, updateNorm }: CheckedMeasure): void {
    this.runtime.assertNotCorrupted();
    this.#updateNorm = updateNorm ? (this.#updateNorm ?? new UpdateNorm(this.variables)) : undefined;
    this.#isWatched = updateNorm || this.#hasConstraints;
    this.runtime.call(() => this.#kernel.optimizer_watch(this.#handle, Number(gradientNorm)));
  }

  /** What the last step did, in the order of `LAST_STEP`. */
  get lastStep(): Float32Array<ArrayBuffer> {
    this.runtime.assertNotCorrupted();
    return this.#lastStep.get();
  }

  /** Those of these variables whose gradients steps look at. */
  unfrozen(variables: readonly AnyVariable[]): readonly AnyVariable[] {
    return this.#frozen.size === 0 ? variables : variables.filter((v) => !this.#frozen.has(this.find(v) ?? -1));
  }

  /** Why a loss scale skipped a step, the last time that it did. */
  get nonFinite(): NonFinite | null {
    return this.#nonFinite ? { path: this.#nonFinite.path, index: this.#nonFiniteIndex } : null;
  }

  /** Takes over the count of calls, and what is known of the last one. */
  continueFrom(old: BuiltOptimizer): void {
    this.rawIterations = old.rawIterations;
    this.lastStep.set(old.lastStep);
    this.#nonFinite = old.#nonFinite;
    this.#nonFiniteIndex = old.#nonFiniteIndex;
  }

  get rawIterations(): number {
    this.runtime.assertNotCorrupted();
    return this.#kernel.optimizer_raw_iterations(this.#handle) >>> 0;
  }

  set rawIterations(value: number) {
    this.runtime.assertNotCorrupted();
    this.#kernel.optimizer_set_raw_iterations(this.#handle, value);
  }

  get iterations(): number {
    this.runtime.assertNotCorrupted();
    return this.#kernel.optimizer_iterations(this.#handle) >>> 0;
  }

  finalize(): void {
    const { runtime } = this;
    runtime.assertNotCorrupted();
    this.#report(runtime.call(() => this.#kernel.optimizer_finalize(this.#handle)));
  }

  /**
   * One step over all variables, or those at `indices`, with `gradients` if they are given, which are copied in first.
   * `scale` is the handle of a loss scale; 0: none. Returns `false` if the loss scale skipped the step, because a gradient is
   * not finite.
   */
  step(learningRate: number, scale: number, indices?: readonly number[], gradients?: readonly Numbers[]): boolean {
    const { runtime } = this;
    if (runtime.locked || runtime.running) runtime.assertUnlocked("A step");
    if (indices) this.#select(indices);
    this.#snapshot?.save();
    if (gradients) this.#copy(gradients, indices);
    if (!this.#isWatched) {
      runtime.running = true;
      const status = this.#run(learningRate, scale, indices);
      runtime.running = false;
      return status === DONE || this.#skipped(status, indices);
    }
    // Averages may overwrite all variables.
    const changed = this.builtWith.useEma ? undefined : indices;
    this.#updateNorm?.save(changed);
    const done = this.#constrained(learningRate, scale, indices);
    const numbers = this.#lastStep.get();
    if (numbers[LAST_STEP.outcome] === UPDATED && indices?.length !== 0) {
      this.#updateNorm?.measure(changed, numbers, LAST_STEP.updateNorm);
    }
    return done;
  }

  /** A step, and the constraints after it. */
  #constrained(learningRate: number, scale: number, indices: readonly number[] | undefined): boolean {
    const { runtime } = this;
    const iterations = this.rawIterations;
    // With handle 0 (no loss scale) these are no-ops.
    const scaleValue = this.#kernel.loss_scale_value(scale);
    const scaleCounter = this.#kernel.loss_scale_counter(scale);
    runtime.running = true;
    const status = this.#run(learningRate, scale, indices);
    // Until all constraints have run, what is in memory is half a step.
    runtime.running = status === DONE;
    const done = status === DONE || this.#skipped(status, indices);
    try {
      if (done) this.#constrain(indices);
    } catch (error) {
      this.#snapshot?.restore();
      this.#kernel.optimizer_set_raw_iterations(this.#handle, iterations);
      this.#kernel.loss_scale_set(scale, scaleValue, scaleCounter);
      runtime.running = false;
      throw error;
    }
    runtime.running = false;
    return done;
  }

  #select(indices: readonly number[]): void {
    const { runtime } = this;
    runtime.running = true;
    for (let i = 0; i < indices.length; i++) this.#kernel.optimizer_select(this.#handle, i, indices[i] as number);
    runtime.running = false;
  }

  #copy(gradients: readonly Numbers[], indices: readonly number[] | undefined): void {
    for (let i = 0; i < gradients.length; i++) {
      this.variables[indices?.[i] ?? i]?.gradient.set(gradients[i] as Numbers);
    }
  }

  #run(learningRate: number, scale: number, indices: readonly number[] | undefined): number {
    return this.#kernel.optimizer_step(this.#handle, scale, learningRate, indices?.length ?? -1);
  }

  /** Runs the constraints of the variables that were updated. */
  #constrain(indices: readonly number[] | undefined): void {
    this.runtime.locked = true;
    try {
      const count = indices?.length ?? this.variables.length;
      for (let i = 0; i < count; i++) {
        const index = indices?.[i] ?? i;
        const { constraint, overwriteWithGradient, value, path } = this.variables[index] as AnyVariable;
        if (constraint === undefined || overwriteWithGradient || this.#frozen.has(index)) continue;
        const returned = constraint(value);
        if (returned !== undefined && returned !== value) {
          throw new TypeError(
            `The constraint of variable "${path}" must edit the values in place and return nothing else.`,
          );
        }
      }
    } finally {
      this.runtime.locked = false;
    }
  }

  /** `false` if a loss scale skipped the step; finds out why, while the gradients are there. Other outcomes are errors. */
  #skipped(status: number, indices: readonly number[] | undefined): boolean {
    if (status !== SKIPPED) return this.#report(status);
    const found = firstNonFinite(
      this.unfrozen(indices?.map((i) => this.variables[i] as AnyVariable) ?? this.variables),
    );
    this.#nonFinite = found?.variable;
    this.#nonFiniteIndex = found?.index ?? 0;
    return false;
  }

  #report(status: number): boolean {
    if (status === DONE) return true;
    if (STATUSES[status] === "outOfMemory") {
      throw new OutOfMemoryError(
        `There is no room for the state of an optimizer over ${plural(this.variables.length, "variable")}.`,
      );
    }
    if (STATUSES[status] === "iterationLimit") throw iterationLimit();
    this.assertAlive();
    throw new StateError(`The optimizer cannot do this now (${STATUSES[status]}).`);
  }

  /** All variables are still there, or an error that names the one that is not. */
  assertAlive(): void {
    const { freedVariables } = this.runtime;
    if (this.#aliveAt === freedVariables) return;
    for (const variable of this.variables) {
      if (variable.freed) throw new StateError(`Variable "${variable.path}" was freed, and this optimizer trains it.`);
    }
    this.#aliveAt = freedVariables;
  }

  free(): void {
    this.runtime.assertUnlocked("Optimizer.free()");
    this.#freed = true;
    this.runtime.untrack(this);
    this.runtime.release(this.#kernel.optimizer_free, this.#handle);
  }
}

/** The variables as they read in a message, however many they are. */
function named(variables: readonly AnyVariable[]): string {
  const shown = variables.slice(0, 4).map(({ path }) => show(path));
  const others = variables.length - shown.length;
  return [...shown, ...(others > 0 ? [`and ${plural(others, "other")}`] : [])].join(", ") || "none";
}
