// What RMSprop and LossScaleOptimizer share: everything that does not depend on whether the loss is scaled.
import { message, notBuilt, record, showReturned } from "./errors.js";
import type { Slot } from "./generated/codes.js";
import type { LearningRate } from "./learning-rate.js";
import { checkedNumbers, copied, type Numbers, outside } from "./numbers.js";
import type { OptimizerVariable } from "./optimizer-variable.js";
import { type AnyVariable, Variable } from "./variable.js";

/**
 * A gradient handed in: `null` for a variable the loss does not depend on. For a variable with `gradientDtype: "float16"`
 * or `"bfloat16"`, a `Uint16Array` of the numbers' bits, or for the former a `Float16Array`.
 */
export type Gradient = Float32Array | Numbers | null;

/** What `minimize` hands to the loss. */
export interface LossContext<V extends AnyVariable = Variable> {
  /** What the gradients must be multiplied by; 1 unless the loss is scaled. */
  readonly lossScale: number;
  /** The variables whose gradients must be filled. */
  readonly variables: readonly V[];
}

/** Keras' store: arrays by their number in `variables`, as text. */
export type Store = Record<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;

/** What one call updates, and the gradients to copy in first. */
export interface Update {
  /** The variables to update. */
  readonly variables: readonly AnyVariable[];
  /** The variables to build the optimizer with, if it is not built: also those without a gradient. */
  readonly built: readonly AnyVariable[];
  readonly gradients: readonly Numbers[] | undefined;
}

/** What RMSprop and LossScaleOptimizer share. (A type: there is nothing to construct.) */
export abstract class Optimizer {
  /** The variables of the loss that is being computed. */
  #minimizing: readonly AnyVariable[] | undefined;
  /** The name in Keras' configuration and in the paths of `variables`. */
  abstract readonly name: string;
  /** Whether `build` was called, by the user or by the first `apply`. */
  abstract readonly built: boolean;
  /** Updates so far: the raw count of calls, or what it is divided by `gradientAccumulationSteps`. */
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
    return this.trained ?? [];
  }

  /** Keras' configuration: what Keras' `get_config` returns, and `fromConfig` takes. */
  abstract getConfig(): object;

  /**
   * Allocates the state for these variables, at zero. Does nothing if the optimizer is built with them.
   *
   * @throws {StateError} if it is built without one of them, or a variable was freed; {@link RangeError} if one is listed twice or they belong to different
   * runtimes; {@link OutOfMemoryError} if there is no room.
   */
  abstract build(variables: readonly AnyVariable[]): void;

  /**
   * One step over all variables, with the gradients in their `gradient` views. One call into the machine code, and no
   * allocation.
   *
   * @throws {StateError} if the optimizer is not built or was freed, or a variable was freed.
   */
  abstract step(): void;

  /** The state kept for a variable: a view, or `null` if there is none. */
  abstract slot(name: Slot, variable: AnyVariable): Float32Array<ArrayBuffer> | null;

  /**
   * Keeps variables from weight decay: those listed, and those in whose *name* one of the patterns is found. Replaces
   * what was set before; may be called before or after `build`.
   */
  abstract excludeFromWeightDecay(which: WeightDecayExclusion): void;

  /** Sets all variables to their moving averages, for evaluation. Does nothing without `useEma`. */
  abstract finalizeVariableValues(): void;

  /** The loss times the loss scale, in float32. */
  abstract scaleLoss(loss: number): number;

  /** Gives the state's memory back; the variables stay. */
  abstract free(): void;

  /** @internal */
  protected abstract readonly trained: readonly AnyVariable[] | undefined;
  /** @internal */
  protected abstract readonly lossScale: number;
  /** @internal Throws if a step over these variables is not possible now; changes nothing. */
  protected abstract check(variables: readonly AnyVariable[]): void;
  /** @internal Builds if needed and does the step; `update` was checked. */
  protected abstract run(update: Update): void;

  /**
   * One step with these gradients, which are copied in; builds the optimizer if it is not built. A variable whose
   * gradient is `null` is left alone. An empty list does nothing.
   *
   * @param variables which variables the gradients belong to; default: all the optimizer was built with.
   * @throws {RangeError | TypeError} for gradients that do not fit their variables, or if all are `null`.
   * @throws {StateError} for variables the optimizer was not built with, or that were freed.
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
    this.check(targets);
    const given: AnyVariable[] = [];
    const values: Numbers[] = [];
    targets.forEach((variable, i) => {
      const gradient = list[i];
      if (gradient === null) return;
      values.push(outside(variable.runtime, variable.checkedGradient(argument(i), gradient)));
      given.push(variable);
    });
    this.run({ variables: given, gradients: values, built: targets });
  }

  /**
   * `apply` with pairs of gradient and variable.
   *
   * @returns the raw count of calls, including this one.
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
   */
  minimize<V extends AnyVariable>(loss: (context: LossContext<V>) => number, variables: readonly V[]): number {
    if (typeof loss !== "function") throw new TypeError(message("loss", "a function", loss));
    const targets = checkedVariables(variables);
    this.check(targets);
    const outer = this.#minimizing;
    this.#minimizing = targets;
    let value: unknown;
    try {
      value = loss({ lossScale: this.lossScale, variables: targets });
    } finally {
      this.#minimizing = outer;
    }
    if (typeof value !== "number") {
      throw new TypeError(`The loss must return a number; it returned ${showReturned(value)}.`);
    }
    this.run({ variables: targets, gradients: undefined, built: targets });
    return value;
  }

  /** Sets the gradients of all variables to 0. */
  zeroGradients(): void {
    // In the loss of the first `minimize` the optimizer is not built yet.
    const variables = this.trained ?? this.#minimizing ?? this.#trainedVariables();
    for (const variable of variables) variable.assertNotFreed();
    for (const variable of variables) variable.gradient.fill(0);
  }

  /**
   * A copy of all of the optimizer's variables, in Keras' layout: what Keras' `load_own_variables` takes, and
   * `loadOwnVariables`.
   */
  saveOwnVariables(): Store {
    return Object.fromEntries(this.variables.map((variable, i) => [String(i), variable.value.slice()]));
  }

  /**
   * Puts back what `saveOwnVariables`, here or in Keras, has saved: all of it, or nothing and an error. Options are not in
   * it, so `momentumMode` is not checked, which must be as it was when there is a momentum (Keras': `"keras"`), nor is
   * `gradientAccumulationSteps`, in the middle of an accumulation. `load` of `rmsprop-wasm/checkpoint` checks both.
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
    const given = record(argument, store);
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

  /** `loadOwnVariables` from a list. */
  setWeights(weights: readonly (Numbers | number)[]): void {
    if (!Array.isArray(weights)) throw new TypeError(message("weights", "an array of arrays", weights));
    this.#load("weights", Object.fromEntries(weights.entries()), (i) => `weights[${i}]`);
  }

  /** Same as `free`, for `using`. */
  declare [Symbol.dispose]: () => void;

  static {
    if (Symbol.dispose) {
      Object.defineProperty(Optimizer.prototype, Symbol.dispose, {
        value(this: Optimizer) {
          this.free();
        },
      });
    }
  }

  #trainedVariables(otherwise = ""): readonly AnyVariable[] {
    const { trained } = this;
    if (trained === undefined) throw notBuilt(this.name, otherwise);
    return trained;
  }
}

/** Keeps variables from weight decay. */
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
    if (variable.runtime !== first.runtime) {
      throw new RangeError(
        `Argument \`${argument}\` must be of one runtime; "${variable.path}" and "${first.path}" belong to different ones.`,
      );
    }
    variable.assertNotFreed();
    seen.add(variable);
  }
  return Object.freeze([...seen]);
}
