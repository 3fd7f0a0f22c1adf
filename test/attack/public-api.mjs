// The public API against the model: random options, calls, failures in the middle, saves and loads, on both backends. After each
// call all bits are the model's; after a call that failed they are what they were.
import * as fc from "fast-check";
import { createRuntime, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { numbers } from "../noise.mjs";
import { length, noise, options } from "./draws.mjs";
import { Model, SLOTS } from "./model.mjs";

/** @typedef {import("../noise.mjs").Noise} Noise */
/** @typedef {import("./model.mjs").Options} Options */
/** @typedef {{ options: Options, lengths: readonly number[], values: Noise, scaled: boolean, dtype: "float32" | "float16" | "bfloat16" }} Setup */
/** @typedef {{ name: string, run: (side: Side) => void, model: (model: Model, setup: Setup) => boolean }} Operation */

const BOUNDS = { dynamicGrowthSteps: 2, initialScale: 8, minimumScale: 0.25, maximumScale: 4096 };

/** A float32 from the bits of a 16-bit number. @param {number} bits @param {"float16" | "bfloat16"} dtype */
function widened(bits, dtype) {
  if (dtype === "bfloat16") return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? 0;
  const sign = bits >> 15 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The gradient of variable `i`: what is handed over, and what it means. @param {Setup} setup @param {number} i @param {Noise} draw */
function gradient({ lengths, dtype }, i, draw) {
  const values = numbers(lengths[i] ?? 0, { ...draw, seed: draw.seed + 7 * i });
  if (i !== 1 || dtype === "float32") return { given: values, means: values };
  const given = Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16);
  return { given, means: Float32Array.from(given, (bits) => widened(bits, dtype)) };
}

/** @param {Setup} setup */
const overwrittenIn = ({ lengths }) => (lengths.length > 2 ? lengths.length - 1 : -1);

/** The objects of one backend. */
class Side {
  /** @param {Setup} setup @param {import("rmsprop-wasm").Runtime} runtime */
  constructor(setup, runtime) {
    this.setup = setup;
    this.runtime = runtime;
    this.variables = this.#variables();
    this.optimizer = this.#optimizer();
    this.optimizer.build(this.variables);
  }

  #variables() {
    const { setup, runtime } = this;
    return setup.lengths.map((count, i) => {
      const values = numbers(count, { ...setup.values, seed: setup.values.seed + i });
      const overwriteWithGradient = i === overwrittenIn(setup);
      return new Variable(values, {
        name: `v${i}`,
        overwriteWithGradient,
        runtime,
        gradientDtype: i === 1 ? setup.dtype : "float32",
      });
    });
  }

  #optimizer() {
    const { options: given, scaled } = this.setup;
    const inner = new RMSprop({ ...given, name: "inner" });
    inner.excludeFromWeightDecay({ names: ["1$"] });
    return scaled ? new LossScaleOptimizer(inner, { name: "outer", ...BOUNDS }) : inner;
  }

  get inner() {
    return this.optimizer instanceof RMSprop ? this.optimizer : this.optimizer.innerOptimizer;
  }

  /** Goes on with other objects, from a checkpoint. */
  resume() {
    const bytes = save(this.optimizer);
    const settings = this.inner.getConfig();
    this.free();
    this.variables = this.#variables();
    const inner = RMSprop.fromConfig({ ...settings, learning_rate: 0.5 });
    inner.excludeFromWeightDecay({ names: ["1$"] });
    this.optimizer = this.setup.scaled ? new LossScaleOptimizer(inner, { name: "outer", ...BOUNDS }) : inner;
    this.optimizer.build(this.variables);
    load(bytes, this.optimizer);
  }

  /** Everything that a call may change, as texts: one NaN for all. */
  state() {
    const { optimizer } = this;
    const scale = optimizer instanceof LossScaleOptimizer ? [optimizer.dynamicScale, optimizer.stepCounter] : [];
    return [
      [optimizer.rawIterations, optimizer.iterations, ...scale].join(),
      ...this.variables.map(({ value }) => hex(value)),
      ...this.variables.map((variable) => SLOTS.map((slot) => hex(optimizer.slot(slot, variable))).join(" ")),
    ];
  }

  free() {
    this.optimizer.free();
    for (const variable of this.variables) variable.free();
  }
}

/** @param {Float32Array | null} values */
function hex(values) {
  if (values === null) return "-";
  const canonical = values.map((x) => (Number.isNaN(x) ? Number.NaN : x));
  return Buffer.from(canonical.buffer).toString("hex");
}

/** @param {Model} model */
function stateOfModel(model) {
  const scale = model.lossScale ? [model.lossScale.scale, model.lossScale.counter] : [];
  return [
    [model.rawIterations, Math.floor(model.rawIterations / model.steps), ...scale].join(),
    ...model.variables.map(({ value }) => hex(value)),
    ...model.variables.map(({ slots }) => SLOTS.map((slot) => hex(slots[slot])).join(" ")),
  ];
}

class Planned extends Error {}

/** @type {{ weight: number, arbitrary: fc.Arbitrary<Operation> }[]} */
const kinds = [
  {
    weight: 6,
    arbitrary: noise.map((draw) => ({
      name: `step ${JSON.stringify(draw)}`,
      run: ({ setup, variables, optimizer }) => {
        for (const [i, variable] of variables.entries()) variable.gradient.set(gradient(setup, i, draw).given);
        optimizer.step();
      },
      model: (model, setup) => {
        const all = setup.lengths.map((_, i) => i);
        model.apply(
          all,
          all.map((i) => gradient(setup, i, draw).means),
        );
        return true;
      },
    })),
  },
  {
    weight: 6,
    arbitrary: fc.record({ draw: noise, order: fc.uniqueArray(fc.nat(4), { maxLength: 5 }) }).map(({ draw, order }) => {
      const present = (/** @type {Setup} */ { lengths }) => order.filter((i) => i < lengths.length);
      return {
        name: `apply to [${order}] ${JSON.stringify(draw)}`,
        run: ({ setup, variables, optimizer }) => {
          const chosen = present(setup);
          const gradients = chosen.map((i) => gradient(setup, i, draw).given);
          optimizer.apply(
            gradients,
            chosen.map((i) => /** @type {Variable} */ (variables[i])),
          );
        },
        model: (model, setup) => {
          const chosen = present(setup);
          model.apply(
            chosen,
            chosen.map((i) => gradient(setup, i, draw).means),
          );
          return true;
        },
      };
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ draw: noise, mask: fc.nat(31) }).map(({ draw, mask }) => {
      const given = (/** @type {Setup} */ setup, /** @type {number} */ i) =>
        (mask >> i) & 1 && gradient(setup, i, draw);
      return {
        name: `apply with nulls, mask ${mask} ${JSON.stringify(draw)}`,
        run: ({ setup, optimizer }) =>
          optimizer.apply(setup.lengths.map((_, i) => (given(setup, i) || { given: null }).given)),
        model: (model, setup) => {
          const chosen = setup.lengths.map((_, i) => i).filter((i) => given(setup, i));
          if (chosen.length === 0) return false;
          model.apply(
            chosen,
            chosen.map((i) => gradient(setup, i, draw).means),
          );
          return true;
        },
      };
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        /** @type {const} */ ("rho"),
        "epsilon",
        "weightDecay",
        "learningRate",
        "emaMomentum",
        "lossScaleFactor",
      )
      .chain((key) => fc.double({ min: 0, max: 1, noNaN: true }).map((value) => ({ key, value })))
      .map(({ key, value }) => ({
        name: `${key} = ${value}`,
        run: ({ inner }) => void Object.assign(inner, { [key]: value }),
        model: (model) => {
          Object.assign(model.options, { [key]: value });
          return true;
        },
      })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("throws", "returns nothing", "returns").map((how) => ({
      name: `minimize, whose loss ${how}`,
      run: ({ setup, optimizer, variables }) => {
        const loss = () => {
          if (how === "throws") throw new Planned();
          for (const [i, variable] of variables.entries()) variable.gradient.set(gradient(setup, i, ZERO).given);
          return how === "returns" ? 1 : /** @type {number} */ (/** @type {unknown} */ (undefined));
        };
        optimizer.minimize(loss, variables);
      },
      model: (model, setup) => {
        const all = setup.lengths.map((_, i) => i);
        if (how === "returns")
          model.apply(
            all,
            all.map((i) => gradient(setup, i, ZERO).means),
          );
        return how === "returns";
      },
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        ["a string as gradient", "x"],
        ["a gradient that is too short", new Float32Array(1000)],
        ["a list of texts", ["1"]],
        ["BigInts", new BigInt64Array(3)],
      )
      .map(([name, wrong]) => ({
        name: String(name),
        run: ({ optimizer, setup }) => optimizer.apply(/** @type {never} */ (setup.lengths.map(() => wrong))),
        model: () => false,
      })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      name: "finalizeVariableValues",
      run: ({ optimizer }) => optimizer.finalizeVariableValues(),
      model: (model) => {
        model.finalize();
        return true;
      },
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ name: "save, load into others", run: (side) => side.resume(), model: () => true }),
  },
];

const operation = fc.oneof(...kinds);

/** @type {Noise} */
const ZERO = { seed: 5, kind: "unit" };

/** @type {fc.Arbitrary<Setup>} */
const setup = fc.record({
  options,
  lengths: fc.array(length, { minLength: 1, maxLength: 4 }),
  values: noise.filter(({ kind }) => kind !== "special"),
  scaled: fc.boolean(),
  dtype: fc.constantFrom(/** @type {const} */ ("float32"), "float32", "float16", "bfloat16"),
});

/** @param {Setup} drawn @param {readonly Operation[]} operations @param {readonly import("rmsprop-wasm").Runtime[]} runtimes */
function check(drawn, operations, runtimes) {
  const settled = drawn.scaled ? { ...drawn, options: { ...drawn.options, lossScaleFactor: null } } : drawn;
  const initial = settled.lengths.map((count, i) => ({
    value: numbers(count, { ...settled.values, seed: settled.values.seed + i }),
    overwritten: i === overwrittenIn(settled),
    decays: i !== 1,
  }));
  const { initialScale: scale, dynamicGrowthSteps: growthSteps, minimumScale: minimum, maximumScale: maximum } = BOUNDS;
  const model = new Model(
    settled.options,
    initial,
    settled.scaled ? { scale, counter: 0, growthSteps, minimum, maximum } : null,
  );
  const sides = runtimes.map((runtime) => new Side(settled, runtime));
  try {
    for (const { name, run, model: follow } of operations) {
      // A dynamic scale ignores the static one; only the constructor requires it to be null, as in Keras.
      const works = follow(model, settled);
      const expected = stateOfModel(model);
      for (const side of sides) {
        let error;
        try {
          run(side);
        } catch (thrown) {
          error = thrown;
        }
        if (works !== (error === undefined))
          throw new Error(`${side.runtime.backend}: ${name}: ${error ?? "no error"}`);
        const found = side.state();
        const wrong = found.findIndex((text, i) => text !== expected[i]);
        if (wrong >= 0) {
          throw new Error(
            `${side.runtime.backend}: after ${name}, line ${wrong}:\n  ${found[wrong]?.slice(0, 400)}\nexpected\n  ${expected[wrong]?.slice(0, 400)}`,
          );
        }
      }
    }
  } finally {
    for (const side of sides) side.free();
  }
}

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "public-api",
  what: "random calls against a float32 model, on both backends",
  property: () => {
    const runtimes = /** @type {const} */ (["wasm", "js"]).map((backend) => createRuntime({ backend }));
    return fc.property(setup, fc.array(operation, { minLength: 1, maxLength: 30 }), (drawn, operations) =>
      check(drawn, operations, runtimes),
    );
  },
};
