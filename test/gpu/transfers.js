// The form that is not resident: one read for all gradients, the core's bits, and a loss of memory that does no harm.
import { CASES, expected, optionsOf, problem, reads } from "./cases.js";

/** @import { Gradients, Rmsprop, Tf, Tfjs } from "./types.js" */

const NAMES = [
  "momentum, centered",
  "all but norms",
  "average, overwriting",
  "dynamic scale",
  "globalClipnorm with all",
];

export const transfers = Object.fromEntries(
  NAMES.map((name) => [
    name,
    /** @type {(tf: Tf, tfjs: Tfjs, rmsprop: Rmsprop) => Promise<string[]>} */
    async (tf, tfjs, rmsprop) => {
      const of = CASES[name];
      const { variables, gradients } = problem(of, 12);
      const list = variables.map(({ name, shape, values }) =>
        tf.tidy(() => tf.variable(tf.tensor(values, shape), true, name)),
      );
      const optimizer = tfjs.rmsprop(tf, optionsOf(of, rmsprop));
      /** @type {string[]} */
      const complaints = [];
      for (const [step, each] of gradients.entries()) {
        const tensors = each.map(
          (gradient, i) => gradient && tf.tidy(() => tf.mul(tf.tensor(gradient, variables[i].shape), 1)),
        );
        const named = tensors.map((tensor, i) => ({ name: variables[i].name, tensor }));
        const count = reads(tf, () => optimizer.applyGradients(/** @type {Gradients} */ (named)));
        // The first step takes the values up, too.
        if (count > (step === 0 ? 2 : 1)) complaints.push(`step ${step} reads ${count} times`);
        tf.dispose(tensors.filter((tensor) => tensor !== null));
      }
      const { core, list: wanted } = expected(of, rmsprop, 12);
      for (const [i, variable] of list.entries()) {
        const actual = await variable.data();
        const wrong = wanted[i].value.findIndex((value, k) => !Object.is(value, actual[k]));
        if (wrong >= 0)
          complaints.push(`${variable.name}[${wrong}] is ${actual[wrong]}, not ${wanted[i].value[wrong]}`);
      }
      optimizer.dispose();
      tf.dispose(list);
      core.free();
      for (const variable of wanted) variable.free();
      return complaints;
    },
  ]),
);
