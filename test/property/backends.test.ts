// WebAssembly and JavaScript have the same bits, over random configurations and gradients of all magnitudes.
import * as fc from "fast-check";
import { RMSprop } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { bitsOf, free, gradientsAt, make, plan, runtimes, schedule } from "./arbitraries.js";

it("trainings", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(plan(), fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), (training, choices) => {
      const [wasm, js] = [make(training, runtimes.wasm), make(training, runtimes.js)];
      for (let step = 0; step < training.gradients.length; step++) {
        for (const { optimizer, variables } of [wasm, js]) {
          // Some gradients are null, and the order turns, but some gradient there always is.
          const all = gradientsAt(training, step);
          const some = all.map((gradient, i) => ((choices[step]! >> i) & 3 ? gradient : null));
          const gradients = some.every((gradient) => gradient === null) ? all : some;
          const turned = choices[step]! % 2 ? [...variables].reverse() : variables;
          optimizer.build(variables);
          optimizer.apply(choices[step]! % 2 ? gradients.reverse() : gradients, turned);
        }
        expect(bitsOf(wasm.optimizer, wasm.variables)).toEqual(bitsOf(js.optimizer, js.variables));
      }
      for (const { optimizer } of [wasm, js]) optimizer.finalizeVariableValues();
      expect(bitsOf(wasm.optimizer, wasm.variables)).toEqual(bitsOf(js.optimizer, js.variables));
      free(wasm);
      free(js);
    }),
    { numRuns: 300 },
  );
});

it("schedules", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(schedule, fc.nat(2 ** 31 - 1), fc.nat(100), (learningRate, far, near) => {
      const rates = Object.values(runtimes).map((runtime) => {
        const training = make(
          {
            options: { learningRate },
            lengths: [1],
            values: { seed: 1, kind: "unit" },
            gradients: [],
            scaled: false,
            overrides: [],
          },
          runtime,
        );
        const { optimizer, variables } = training;
        optimizer.build(variables);
        const store = optimizer.saveOwnVariables();
        const seen = [0, near, far].map((step) => {
          optimizer.loadOwnVariables({ ...store, 0: step });
          try {
            return optimizer.learningRate;
          } catch (error) {
            return String(error);
          }
        });
        free(training);
        return seen;
      });
      expect(rates[1]).toEqual(rates[0]);
      expect(rates[0]![0]).toBe(new RMSprop({ learningRate }).learningRate);
    }),
    { numRuns: 1000 },
  );
});
