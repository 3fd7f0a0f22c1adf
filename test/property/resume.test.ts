// Saving, loading into a new optimizer and going on has the bits of never having stopped, at any step of any training.
import * as fc from "fast-check";
import { LossScaleOptimizer, RMSprop, stringifyConfig } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { expect, it } from "vitest";
import { bitsOf, free, gradientsAt, make, override, plan, runtimes } from "./arbitraries.js";

it.each(["wasm", "js"] as const)("%s", { timeout: 60_000 }, (backend) => {
  fc.assert(
    fc.property(plan(), fc.nat(), fc.boolean(), fc.boolean(), (training, stop, byConfig, byFile) => {
      const steps = training.gradients.length;
      const [whole, resumed] = [make(training, runtimes[backend]), make(training, runtimes[backend])];
      const step = (i: number, { optimizer, variables } = whole) =>
        optimizer.apply(gradientsAt(training, i), variables);
      for (let i = 0; i < stop % steps; i++) step(i);
      whole.optimizer.build(whole.variables);

      let { optimizer } = resumed;
      if (byConfig) {
        const config = JSON.parse(stringifyConfig(optimizer.getConfig()));
        optimizer = "inner_optimizer" in config ? LossScaleOptimizer.fromConfig(config) : RMSprop.fromConfig(config);
        optimizer.excludeFromWeightDecay({ names: ["1"] });
        override(training, optimizer);
      }
      optimizer.build(resumed.variables);
      if (byFile) load(save(whole.optimizer), optimizer);
      else {
        for (const [i, { value }] of whole.variables.entries()) resumed.variables[i]!.assign(value);
        optimizer.loadOwnVariables(whole.optimizer.saveOwnVariables());
      }
      expect(bitsOf(optimizer, resumed.variables, false)).toEqual(bitsOf(whole.optimizer, whole.variables, false));

      for (let i = stop % steps; i < steps; i++) {
        step(i);
        step(i, { optimizer, variables: resumed.variables });
      }
      expect(bitsOf(optimizer, resumed.variables)).toEqual(bitsOf(whole.optimizer, whole.variables));
      optimizer.free();
      free(resumed);
      free(whole);
    }),
    { numRuns: 200 },
  );
});
