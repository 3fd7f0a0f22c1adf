// No room, at any point: what does not fit is an OutOfMemoryError, and everything else is as it was.
import * as fc from "fast-check";
import { createRuntime, LossScaleOptimizer, OutOfMemoryError, RMSprop, Variable } from "rmsprop-wasm";

/** @typedef {{ variables: Variable[], optimizers: (RMSprop | LossScaleOptimizer)[] }} Live */

const size = fc.oneof(fc.nat(200), fc.nat(30_000));

const operation = fc.oneof(
  { weight: 4, arbitrary: size.map((count) => ({ kind: /** @type {const} */ ("variable"), count })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant(/** @type {const} */ ("optimizer")),
      from: fc.nat(9),
      scaled: fc.boolean(),
      options: fc.record({
        momentum: fc.constantFrom(0, 0.9),
        centered: fc.boolean(),
        useEma: fc.boolean(),
        gradientAccumulationSteps: fc.constantFrom(null, 2),
      }),
    }),
  },
  { weight: 3, arbitrary: fc.nat(9).map((which) => ({ kind: /** @type {const} */ ("step"), which })) },
  { weight: 1, arbitrary: fc.nat(9).map((which) => ({ kind: /** @type {const} */ ("free variable"), which })) },
  { weight: 1, arbitrary: fc.nat(9).map((which) => ({ kind: /** @type {const} */ ("free optimizer"), which })) },
);

/** @param {Live} live */
const stateOf = ({ variables, optimizers }) => [
  ...variables.map(({ value, gradient }) => Buffer.from(value.slice().buffer).toString("latin1") + gradient.length),
  ...optimizers.map((optimizer) =>
    [optimizer.built, optimizer.rawIterations, ...optimizer.variables.map(({ value }) => value.join())].join(),
  ),
];

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "memory",
  what: "allocations that fail, on both backends",
  property: () =>
    fc.property(
      fc.constantFrom(/** @type {const} */ ("wasm"), /** @type {const} */ ("js")),
      fc.integer({ min: 200_000, max: 1_500_000 }),
      fc.array(operation, { minLength: 1, maxLength: 30 }),
      (backend, maximumBytes, operations) => {
        const runtime = createRuntime({ backend, maximumBytes });
        /** @type {Live} */
        const live = { variables: [], optimizers: [] };
        for (const given of operations) {
          const before = stateOf(live);
          try {
            if (given.kind === "variable")
              live.variables.push(new Variable(new Float32Array(given.count).fill(1), { runtime }));
            else if (given.kind === "optimizer") {
              const inner = new RMSprop(given.options);
              const optimizer = given.scaled ? new LossScaleOptimizer(inner) : inner;
              optimizer.build(live.variables.slice(given.from));
              if (live.variables.length > given.from) live.optimizers.push(optimizer);
              else optimizer.free();
            } else if (given.kind === "step") {
              const optimizer = live.optimizers[given.which];
              optimizer?.apply(
                optimizer.trainableVariables.map(({ size: count }) => new Float32Array(count).fill(0.5)),
              );
            } else if (given.kind === "free optimizer") live.optimizers.splice(given.which, 1)[0]?.free();
            else {
              // Optimizers that train it go first.
              const variable = live.variables[given.which];
              if (!variable) continue;
              const users = live.optimizers.filter(({ trainableVariables }) => trainableVariables.includes(variable));
              for (const optimizer of users) optimizer.free();
              live.optimizers = live.optimizers.filter((optimizer) => !users.includes(optimizer));
              live.variables.splice(given.which, 1);
              variable.free();
            }
          } catch (error) {
            if (!(error instanceof OutOfMemoryError)) throw error;
            const after = stateOf(live);
            if (after.some((text, i) => text !== before[i]))
              throw new Error(`${given.kind} failed, and changed something`);
          }
        }
      },
    ),
};
