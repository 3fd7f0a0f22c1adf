// jax-js on its wasm backend: the update written in its NumPy, jitted as one function of all tensors. It has no RMSprop of
// its own.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { blockUntilReady, defaultDevice, init, jit, numpy as np } from "@jax-js/jax";
import { filled, gradient, LEARNING_RATE, tensors, value } from "../contestants/data.mjs";

/** @import { Array as JaxArray } from "@jax-js/jax" */
/** @import { Prepared } from "../types.js" */

const RHO = 0.9;
const EPSILON = 1e-7;

// An operation consumes its arrays, unless they are passed by `.ref`.
const update = jit(
  (/** @type {JaxArray[]} */ values, /** @type {JaxArray[]} */ velocities, /** @type {JaxArray[]} */ gradients) => {
    const next = velocities.map((v, i) => v.mul(RHO).add(gradients[i].ref.mul(gradients[i].ref).mul(1 - RHO)));
    const moved = values.map((p, i) => p.sub(gradients[i].mul(LEARNING_RATE).div(np.sqrt(next[i].ref.add(EPSILON)))));
    return [moved, next];
  },
);

/** @returns {Promise<Prepared>} */
export async function prepare() {
  await init("wasm");
  defaultDevice("wasm");
  const entry = createRequire(import.meta.url).resolve("@jax-js/jax");
  const { version } = JSON.parse(readFileSync(new URL("../package.json", `file://${entry}`), "utf8"));

  /** @type {Prepared["make"]} */
  function make({ sizes, regime, options }) {
    if (regime !== "dense" || Object.keys(options).length > 0) return null;
    const shapes = tensors(sizes);
    const array = (/** @type {(index: number) => number} */ number) =>
      shapes.map(({ first, size }) => np.array(filled(size, first, number)));
    let values = array(value);
    let velocities = array(() => 0);
    const gradients = array((index) => gradient(regime, index));
    return {
      async run(steps) {
        for (let i = 0; i < steps; i++) {
          [values, velocities] = update(
            values,
            velocities,
            gradients.map((each) => each.ref),
          );
        }
        await blockUntilReady([values, velocities]);
      },
      values: () => Promise.all(values.map((each) => each.ref.data())),
      free() {
        for (const each of [...values, ...velocities, ...gradients]) each.dispose();
      },
    };
  }
  return { versions: `jax-js ${version}`, make };
}
