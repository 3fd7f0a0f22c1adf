// What both forms of the optimizer have from the same class: a `tf.Optimizer` that is made from options, with Keras' form of `minimize`.

import { optionsOf, type Residence, type RMSpropTfjsOptions } from "./config.js";
import type { OptimizerLike, SerializableClass, TensorFlow, TensorLike, VariableLike } from "./tensorflow.js";

/** A `tf.Optimizer`, whose `minimize` also takes Keras' arguments. */
export interface Base extends OptimizerLike {
  minimize(loss: () => TensorLike, variables: readonly VariableLike[]): null;
  minimize(loss: () => TensorLike, returnCost?: boolean, variables?: VariableLike[]): TensorLike | null;
}

/** The class for one copy of tfjs. */
export function baseClass(tf: TensorFlow): Pick<SerializableClass, "fromConfig"> & (abstract new () => Base) {
  return class extends tf.Optimizer implements Base {
    static fromConfig(
      optimizer: new (options: RMSpropTfjsOptions & Residence) => OptimizerLike,
      config: object,
    ): OptimizerLike {
      return new optimizer(optionsOf(config));
    }

    override minimize(loss: () => TensorLike, variables: readonly VariableLike[]): null;
    override minimize(loss: () => TensorLike, returnCost?: boolean, variables?: VariableLike[]): TensorLike | null;
    override minimize(
      loss: () => TensorLike,
      second: boolean | readonly VariableLike[] = false,
      third?: VariableLike[],
    ): TensorLike | null {
      const [returnCost, variables] = typeof second === "object" ? [false, second as VariableLike[]] : [second, third];
      const { value, grads } = this.computeGradients(loss, variables);
      try {
        this.applyGradients(variables?.map(({ name }) => ({ name, tensor: grads[name] })) ?? grads);
      } catch (error) {
        value.dispose();
        throw error;
      } finally {
        for (const gradient of Object.values(grads)) gradient?.dispose();
      }
      if (returnCost) return value;
      value.dispose();
      return null;
    }
  };
}
