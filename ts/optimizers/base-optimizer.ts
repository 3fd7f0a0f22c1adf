// What RMSprop and LossScaleOptimizer share: everything that does not depend on whether the loss is scaled.

import type { Slot } from "../generated/codes.js";
import { checkedNumbers, copied, copyIfAliased, type Numbers } from "../memory/numbers.js";
import { type AnyVariable, Variable } from "../memory/variable.js";
import { checkedObject } from "../support/checks.js";
import { defineDispose } from "../support/disposable.js";
import { notBuilt } from "../support/errors.js";
import { ASSERT_NOT_FREED, CHECK, CHECKED_GRADIENT, LOSS_SCALE, RUN, RUNTIME, TRAINED } from "../support/internal.js";
import { message, showReturned } from "../support/messages.js";
import type { LearningRate } from "./learning-rate.js";
import type { LossScaleConfig } from "./loss-scale-optimizer.js";
import type { OptimizerVariable } from "./optimizer-variable.js";
import type { RMSpropConfig } from "./rmsprop.js";

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

/** Keras' store of an optimizer's state. The key of an array is its place in `variables`: "0", "1", … */
export type Store = Record<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;

/** What one call updates, and the gradients to copy in first. */
export interface Update {
  /** The variables to update. */
  readonly variables: readonly AnyVariable[];
  /** The variables to build the optimizer with, if it is not built: also those without a gradient. */
  readonly built: readonly AnyVariable[];
  readonly gradients: readonly Numbers[] | undefined;
}

/** The end of a block with `using` frees an optimizer. */
export interface Optimizer extends Disposable {}

/** What RMSprop and LossScaleOptimizer share. (A type: there is nothing to construct.) */
export abstract class Optimizer {
  /** The variables of the loss that is being computed. */
  #minimizing: readonly AnyVariable[] | undefined;
  /** The name in Keras' configuration and in the paths of `variables`. */
  abstract readonly name: string;
  /** Whether `build` was called, by the user or by the first `apply`. */
  abstract readonly built: boolean;
  /** Updates so far: `rawIterations`, divided by `gradientAccumulationSteps` and rounded down if gradients are accumulated. */
  abstract readonly iterations: number;
  /** Calls so far, including those that only accumulated. Schedules are evaluated at it. */
  abstract readonly rawIterations: number;
  /**
   * The current float32 learning rate; a schedule or a function is evaluated at `rawIterations`. Can be set to a number, a
   * schedule or a function, but not to a number where a schedule or a function is in use: that is a `StateError`.
   */
  abstract get learningRate(): number;
  /** @ignore */
  abstract set learningRate(rate: LearningRate);
  /** All of the optimizer's variables in Keras' order. */
  abstract readonly variables: readonly OptimizerVariable[];

  /** The variables the optimizer was built with; none before `build`. */
  get trainableVariables(): readonly AnyVariable[] {
    return this[TRAINED] ?? [];
  }

  /** Keras' configuration: what Keras' `get_config` returns, and `fromConfig` takes. */
  abstract getConfig(): RMSpropConfig | LossScaleConfig;

  /**
   * Allocates the state for these variables, at zero. Does nothing if the optimizer is built with them.
   *
   * @throws {StateError} if it is built without one of them, or a variable was freed.
   * @throws {RangeError} if one is listed twice, or they belong to different runtimes.
   * @throws {OutOfMemoryError} if there is no room.
   */
  abstract build(variables: readonly AnyVariable[]): void;

  /**
   * One step over all variables, with the gradients in their `gradient` views. One call into the machine code, and no
   * allocation.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  abstract step(): void;

  /**
   * The state kept for a variable: a view, or `null` if there is none.
   *
   * @throws {TypeError} if there is no slot of this name.
   * @throws {StateError} if the optimizer was not built with the variable, or was freed.
   */
  abstract slot(name: Slot, variable: AnyVariable): Float32Array<ArrayBuffer> | null;

  /**
   * Excludes variables from weight decay: those listed, and those in whose *name* one of the patterns is found. Each call
   * replaces the one before; it may come before or after `build`.
   *
   * @throws {TypeError} if `variables` holds something other than variables, or `names` other than strings and patterns.
   * @throws {RangeError} if a variable is listed twice, or a string is no valid pattern.
   * @throws {StateError} if the optimizer or a variable was freed.
   */
  abstract excludeFromWeightDecay(which: WeightDecayExclusion): void;

  /**
   * Sets all variables to their moving averages, for evaluation. Does nothing without `useEma`.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  abstract finalizeVariableValues(): void;

  /** The loss times the loss scale, in float32. */
  abstract scaleLoss(loss: number): number;

  /** Gives the state's memory back; the variables stay. */
  abstract free(): void;

  /** @internal */
  abstract readonly [TRAINED]: readonly AnyVariable[] | undefined;
  /** @internal */
  abstract readonly [LOSS_SCALE]: number;
  /** @internal */
  abstract [CHECK](variables: readonly AnyVariable[]): void;
  /** @internal */
  abstract [RUN](update: Update): void;

  /**
   * One step with these gradients, which are copied in; builds the optimizer if it is not built. A variable whose
   * gradient is `null` is left alone. An empty list does nothing.
   *
   * @param variables which variables the gradients belong to; default: all the optimizer was built with.
   * @throws {RangeError | TypeError} for gradients that do not fit their variables, or if all are `null`.
   * @throws {StateError} for variables that the optimizer was not built with, or that were freed.
   * @throws {OutOfMemoryError} if there is no room to build the optimizer.
   */
  apply(gradients: readonly Gradient[], variables?: readonly AnyVariable[]): void {
    if (!Array.isArray(gradients))
      throw new TypeError(message("gradients", "an array with one gradient per variable", gradients));
    const list: readonly unknown[] = [...gradients];
    // An empty list needs no variables, and so no optimizer that is built.
    const implied = () => (list.length === 0 ? [] : this.#trainedVariables(", or give `apply` its variables"));
    const targets = variables === undefined ? implied() : checkedVariables(variables);
    if (list.length !== targets.length) {
      throw new RangeError(message("gradients", `an array of ${targets.length}, one gradient per variable`, gradients));
    }
    this.#apply(list, targets, (i) => `gradients[${i}]`);
  }

  /** `argument` names a gradient in messages. */
  #apply(list: readonly unknown[], targets: readonly AnyVariable[], argument: (i: number) => string): void {
    if (targets.length > 0 && list.every((gradient) => gradient === null)) {
      throw new RangeError("No gradients provided for any variable: all of them are null.");
    }
    this[CHECK](targets);
    const given: AnyVariable[] = [];
    const values: Numbers[] = [];
    targets.forEach((variable, i) => {
      const gradient = list[i];
      if (gradient === null) return;
      values.push(copyIfAliased(variable[RUNTIME], variable[CHECKED_GRADIENT](argument(i), gradient)));
      given.push(variable);
    });
    this[RUN]({ variables: given, gradients: values, built: targets });
  }

  /**
   * `apply` with pairs of gradient and variable.
   *
   * @returns the raw count of calls, including this one.
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
    this.#apply(gradients, targets, (i) => `pairs[${i}][0]`);
    return this.rawIterations;
  }

  /**
   * One step on a loss that fills the gradients of `variables` itself.
   *
   * ```ts
   * optimizer.minimize(({ lossScale }) => {
   *   w.gradient[0] = lossScale * w.value[0]!;
   *   return w.value[0]! ** 2 / 2;
   * }, [w]);
   * ```
   *
   * @returns what `loss` returned.
   * @throws {TypeError} if that is not a number. If `loss` throws, nothing but the gradients it wrote has changed.
   * @throws {RangeError | TypeError} if `variables` are no distinct variables of one runtime.
   * @throws {StateError} for variables that the optimizer was not built with, or that were freed.
   * @throws {OutOfMemoryError} if there is no room to build the optimizer.
   */
  minimize<const Variables extends readonly AnyVariable[]>(
    loss: (context: LossContext<Variables>) => number,
    variables: Variables,
  ): number {
    if (typeof loss !== "function") throw new TypeError(message("loss", "a function", loss));
    const targets = checkedVariables(variables);
    this[CHECK](targets);
    const outer = this.#minimizing;
    this.#minimizing = targets;
    let value: unknown;
    try {
      value = loss({ lossScale: this[LOSS_SCALE], variables: targets as Readonly<Variables> });
    } finally {
      this.#minimizing = outer;
    }
    if (typeof value !== "number") {
      throw new TypeError(`The loss must return a number; it returned ${showReturned(value)}.`);
    }
    this[RUN]({ variables: targets, gradients: undefined, built: targets });
    return value;
  }

  /**
   * Sets the gradients of all variables to 0.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  zeroGradients(): void {
    // In the loss of the first `minimize` the optimizer is not built yet.
    const variables = this[TRAINED] ?? this.#minimizing ?? this.#trainedVariables();
    for (const variable of variables) variable[ASSERT_NOT_FREED]();
    for (const variable of variables) variable.gradient.fill(0);
  }

  /**
   * A copy of all of the optimizer's variables, in Keras' layout: what Keras' `load_own_variables` takes, and
   * `loadOwnVariables`.
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
   * @throws {RangeError | TypeError} if an array is missing, unknown, or of another size.
   * @throws {StateError} if the optimizer is not built.
   */
  loadOwnVariables(store: Readonly<Record<string, Numbers | number>>): void {
    this.#load("store", store, (i) => `store["${i}"]`);
  }

  #load(argument: string, store: unknown, nameOf: (i: number) => string): void {
    this.#trainedVariables();
    const { variables } = this;
    const given = checkedObject(argument, store);
    const count = Object.keys(given).length;
    if (count !== variables.length) {
      throw new RangeError(
        `Argument \`${argument}\` must hold the ${variables.length} arrays of this optimizer; it holds ${count}.`,
      );
    }
    const values = variables.map(({ path, value, check }, i) => {
      if (!Object.hasOwn(given, String(i))) throw new RangeError(`Argument \`store\` has no array "${i}" (${path}).`);
      const entry = given[String(i)];
      const name = nameOf(i);
      const numbers = checkedNumbers(
        name,
        typeof entry === "number" ? [entry] : entry,
        value.length,
        `the size of ${path}`,
      );
      check?.(name, numbers[0] as number);
      // The arrays given can be views on the slots they are to overwrite.
      return copied(numbers);
    });
    variables.forEach((variable, i) => {
      variable.assign(values[i] as Numbers);
    });
  }

  /**
   * `loadOwnVariables` from a list.
   *
   * @throws {TypeError} if `weights` is no list; and what `loadOwnVariables` throws.
   */
  setWeights(weights: readonly (Numbers | number)[]): void {
    if (!Array.isArray(weights)) throw new TypeError(message("weights", "an array of arrays", weights));
    this.#load("weights", Object.fromEntries(weights.entries()), (i) => `weights[${i}]`);
  }

  static {
    defineDispose(Optimizer.prototype);
  }

  #trainedVariables(otherwise = ""): readonly AnyVariable[] {
    const trained = this[TRAINED];
    if (trained === undefined) throw notBuilt(this.name, otherwise);
    return trained;
  }
}

/** Which variables `excludeFromWeightDecay` excludes. */
export interface WeightDecayExclusion {
  /** These variables. */
  readonly variables?: readonly AnyVariable[] | undefined;
  /** Variables in whose name one of these is found; a string is a regular expression, as in Keras. */
  readonly names?: readonly (string | RegExp)[] | undefined;
}

/** `variables`, if it is an array of distinct variables of one runtime; `argument` and `item` name it in messages. */
export function checkedVariables<V extends AnyVariable>(
  variables: readonly V[],
  argument?: string,
  item?: (i: number) => string,
): readonly V[];
export function checkedVariables(variables: unknown): readonly AnyVariable[];
export function checkedVariables(
  variables: unknown,
  argument = "variables",
  item = (i: number) => `variables[${i}]`,
): readonly AnyVariable[] {
  if (!Array.isArray(variables)) throw new TypeError(message("variables", "an array of variables", variables));
  const list: readonly unknown[] = [...variables];
  const seen = new Set<AnyVariable>();
  for (const [i, variable] of list.entries()) {
    if (!(variable instanceof Variable)) {
      throw new TypeError(message(item(i), "a Variable of this copy of the package", variable));
    }
    if (seen.has(variable)) throw new RangeError(`Argument \`${argument}\` lists variable "${variable.path}" twice.`);
    const [first = variable] = seen;
    if (variable[RUNTIME] !== first[RUNTIME]) {
      throw new RangeError(
        `Argument \`${argument}\` must be of one runtime; "${variable.path}" and "${first.path}" belong to different ones.`,
      );
    }
    variable[ASSERT_NOT_FREED]();
    seen.add(variable);
  }
  return Object.freeze([...seen]);
}
