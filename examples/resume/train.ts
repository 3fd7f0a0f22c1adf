// A training that can be stopped at any moment, by any means, and ends with the same numbers.

import { CosineDecay, RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";

/** Steps from one checkpoint to the next. */
const INTERVAL = 50;

/** The data of a step: whatever is random in a training must follow from the step, or be saved too. */
function example(step: number): { x: readonly [number, number]; y: number } {
  const a = ((step * 7) % 11) / 11;
  const b = ((step * 5) % 13) / 13;
  return { x: [a, b], y: 3 * a - 2 * b + 0.5 };
}

/**
 * Fits a line to points, from the checkpoint in `path` if there is one, and keeps one there. Returns the parameters.
 *
 * @param report is called after each step.
 */
export async function train(path: string, steps: number, report: (step: number) => void): Promise<number[]> {
  using weights = new Variable([0, 0], { name: "weights" });
  using bias = new Variable(0, { name: "bias" });
  using optimizer = new RMSprop({
    learningRate: new CosineDecay({ initialLearningRate: 0.02, decaySteps: steps }),
    momentum: 0.5,
    gradientAccumulationSteps: 4,
  });
  optimizer.build([weights, bias]);

  const bytes = await readCheckpoint(path);
  if (bytes) load(bytes, optimizer);
  while (optimizer.rawIterations < steps) {
    const { x, y } = example(optimizer.rawIterations);
    const [w0 = 0, w1 = 0] = weights.value;
    const error = w0 * x[0] + w1 * x[1] + (bias.value[0] ?? 0) - y;
    weights.gradient.set(x.map((value) => error * value));
    bias.gradient[0] = error;
    optimizer.step();
    if (optimizer.rawIterations % INTERVAL === 0) await writeCheckpoint(path, save(optimizer));
    report(optimizer.rawIterations);
  }
  return [...weights.value, ...bias.value];
}
