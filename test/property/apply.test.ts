// apply(gradients) is writing the gradients and step(), and so are applyGradients and minimize.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { bitsOf, free, gradientsAt, make, plan, runtimes, type Training } from "./arbitraries.js";

type Way = (training: Training, gradients: readonly Float32Array[]) => void;

const write: Way = ({ variables }, gradients) => {
  for (const [i, gradient] of gradients.entries()) variables[i]!.gradient.set(gradient);
};

const WAYS: Way[] = [
  (training, gradients) => {
    training.optimizer.build(training.variables);
    write(training, gradients);
    training.optimizer.step();
  },
  ({ optimizer, variables }, gradients) => optimizer.apply(gradients, variables),
  ({ optimizer, variables }, gradients) =>
    optimizer.apply(
      gradients.map((gradient) => Array.from(gradient)),
      variables,
    ),
  ({ optimizer, variables }, gradients) => {
    optimizer.applyGradients(gradients.map((gradient, i) => [Float64Array.from(gradient), variables[i]!]));
  },
  (training, gradients) => {
    training.optimizer.minimize(() => {
      write(training, gradients);
      return 0;
    }, training.variables);
  },
];

it.each(["wasm", "js"] as const)("%s", { timeout: 60_000 }, (backend) => {
  fc.assert(
    fc.property(plan(), (training) => {
      const trainings = WAYS.map(() => make(training, runtimes[backend]));
      for (let step = 0; step < training.gradients.length; step++) {
        for (const [i, way] of WAYS.entries()) way(trainings[i]!, gradientsAt(training, step));
      }
      const [expected, ...others] = trainings.map(({ optimizer, variables }) => bitsOf(optimizer, variables));
      for (const other of others) expect(other).toEqual(expected);
      trainings.forEach(free);
    }),
    { numRuns: 100 },
  );
});
