// An optimizer as files see it: what checkpoints, and the files of Keras and PyTorch, need of one, of whatever entry it is.

import type { PEEK } from "../support/internal.js";

/** What files need of an optimizer, of any entry of the package: `RMSprop` and `LossScaleOptimizer` have it. */
export interface StoredOptimizer {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state. */
  readonly built: boolean;
  /** Its counters, rates and slots, in Keras' order. */
  readonly variables: readonly StoredState[];
  /** The variables it trains. */
  readonly trainableVariables: readonly StoredVariable[];
  /** Its configuration. */
  getConfig(): object;
  /** The overrides of one of them. */
  overridesOf(variable: StoredVariable): StoredOverrides;
  /** Puts in the values of `variables`: all of them, or none and an error. */
  setWeights(weights: readonly (ArrayLike<number> | number)[]): void;
}

/** A variable's overrides, as `overridesOf` gives them. */
export interface StoredOverrides {
  /** What its learning rate is multiplied by. */
  readonly learningRateMultiplier: number;
  /** Its weight decay; `false`: none; `null`: the optimizer's. */
  readonly weightDecay: number | false | null;
  /** Whether steps change it. */
  readonly trainable: boolean;
}

/** What files need of a variable. */
export interface StoredVariable {
  /** Its name in files and messages. */
  readonly path: string;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** The values in C order; asking throws if it was freed. */
  readonly value: Float32Array;
  /** @internal */
  readonly [PEEK]?: () => Float32Array;
  /** Copies values in, as many as the variable has. */
  assign(values: ArrayLike<number>): void;
}

/** What files need of one of an optimizer's own variables. */
export interface StoredState {
  /** The last part of its path: the key of a counter or a rate. */
  readonly name: string;
  /** Lengths of the dimensions; `[]` for a counter or a rate. */
  readonly shape: readonly number[];
  /** Its type, as NumPy calls it. */
  readonly dtype: string;
  /** Which kind of state this is; `null` for a counter or a rate. */
  readonly slot: string | null;
  /** The trained variable whose state this is; `null` for a counter or a rate. */
  readonly variable: StoredVariable | null;
  /** The values in C order. */
  readonly value: Int32Array | Float32Array;
  /** @internal */
  readonly [PEEK]?: () => Int32Array | Float32Array;
  /** Keras lists it, and nothing depends on it. */
  readonly ignored?: boolean;
}

/** A variable of either kind, as it is exported. */
export type StoredArray = Pick<StoredState, "shape" | "value"> & Pick<StoredVariable, "path">;
