// Gradients on their way in, for both forms of the optimizer: of the loss, scaled; and checked.

import { option } from "../support/checks.js";
import { StateError } from "../support/errors.js";
import { message, show } from "../support/messages.js";
import { checkedTensors } from "./selection.js";
import type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "./tensorflow.js";

/** What `applyGradients` takes. */
export type Gradients = Parameters<OptimizerLike["applyGradients"]>[0];
/** The same as a list; tfjs has `null` and `undefined` where there is no gradient. */
export type GradientList = readonly NamedTensorLike<TensorLike | null | undefined>[];

/** The loss as it is, and the gradients of the loss times `scale`; `compute` is tfjs' own `computeGradients`. */
export function scaledGradients(
  tf: TensorFlow,
  scale: number | TensorLike,
  loss: () => TensorLike,
  compute: (loss: () => TensorLike) => GradientsLike,
): GradientsLike {
  if (scale === 1) return compute(loss);
  let plain: TensorLike | undefined;
  try {
    const { value, grads } = compute(() => {
      const value = loss();
      plain = value.clone();
      tf.keep(plain);
      return tf.mul(value, scale);
    });
    value.dispose();
    // What is kept outlives the user's `tidy`; its clone does not.
    return { value: (plain as unknown as TensorLike).clone(), grads };
  } finally {
    plain?.dispose();
  }
}

/** Both forms of gradients as a list. */
export function asList(gradients: Gradients): GradientList {
  if (typeof gradients !== "object" || gradients === null) {
    throw new TypeError(
      message("gradients", "tensors by the names of variables, or an array of { name, tensor }", gradients),
    );
  }
  if (Array.isArray(gradients)) {
    return Array.from(gradients as GradientList, (item, i) => {
      if (typeof item === "object" && item !== null) return item;
      throw new TypeError(message(`gradients[${i}]`, "{ name, tensor }", item));
    });
  }
  return Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}

/**
 * The variables of these gradients.
 *
 * @throws {StateError} if tfjs knows no variable of that name, or a gradient was disposed of.
 * @throws {TypeError | RangeError} if a variable or its gradient is not float32, or their shapes differ.
 */
export function checkedVariablesOf(tf: TensorFlow, list: GradientList): VariableLike[] {
  const variables = list.map(({ name }) => registered(tf, name));
  list.forEach(({ name, tensor }, i) => {
    const { shape = [] } = variables[i] ?? {};
    if (tensor == null) return;
    if (tensor.isDisposed) throw new StateError(`The gradient of "${name}" was disposed of.`);
    if (tensor.dtype !== "float32") {
      throw new TypeError(`The gradient of "${name}" must be float32; it is ${tensor.dtype}.`);
    }
    if (String(tensor.shape) !== String(shape)) {
      throw new RangeError(`The gradient of "${name}" must have shape [${shape}]; it has [${tensor.shape}].`);
    }
  });
  return variables;
}

/**
 * `variables`, if the optimizer can train them.
 *
 * @throws {TypeError} if they are no variables, or not float32.
 * @throws {StateError} if one was disposed of.
 */
export const checkedVariables = (tf: TensorFlow, variables: unknown): VariableLike[] =>
  checkedTensors(variables).map(({ name }) => registered(tf, name));

/** The variable that tfjs knows by this name. */
function registered(tf: TensorFlow, name: string): VariableLike {
  const variable = option(tf.engine().registeredVariables, name) as VariableLike | undefined;
  if (!variable) throw new StateError(`tfjs knows no variable ${show(name)}: it was disposed of, or never made.`);
  if (variable.dtype !== "float32") throw new TypeError(`Variable "${name}" must be float32; it is ${variable.dtype}.`);
  return variable;
}
