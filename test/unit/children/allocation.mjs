// Measures what step() allocates, in a process of its own: node --expose-gc allocation.mjs <backend>. Prints JSON.
//
// Two numbers per case, each over several windows, since compilation and the engine's own housekeeping can fall into any one
// of them. `retained`: bytes per step that are still there after a collection; the median, since code that is thrown away
// makes it negative. `allocated`: bytes per step before it, with so much room for young objects that nothing is collected in
// between (--max-semi-space-size); the least, since housekeeping only adds to it.
import { CosineDecay, createRuntime, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { collect } from "./collect.mjs";

const STEPS = 100_000;
const WINDOWS = 5;

const schedule = () =>
  new CosineDecay({ initialLearningRate: 0.001, decaySteps: 1e6, warmupTarget: 0.01, warmupSteps: 10 });

/** @type {Readonly<Record<string, () => RMSprop | LossScaleOptimizer>>} */
const cases = {
  "constant rate": () => new RMSprop(),
  "momentum, centered, EMA, global clipnorm": () =>
    new RMSprop({
      momentum: 0.9,
      centered: true,
      useEma: true,
      emaOverwriteFrequency: 3,
      globalClipnorm: 1,
      weightDecay: 0.1,
    }),
  accumulation: () => new RMSprop({ gradientAccumulationSteps: 4, lossScaleFactor: 3 }),
  "loss scale": () => new LossScaleOptimizer(new RMSprop(), { dynamicGrowthSteps: 300, maximumScale: 2 ** 20 }),
  schedule: () => new RMSprop({ learningRate: schedule() }),
  function: () => new RMSprop({ learningRate: (step) => 1 / (step + 1) }),
  "schedule and loss scale": () =>
    new LossScaleOptimizer(new RMSprop({ learningRate: schedule() }), { maximumScale: 2 ** 20 }),
};

const heap = () => process.memoryUsage().heapUsed;

/** @param {RMSprop | LossScaleOptimizer} optimizer */
function measure(optimizer) {
  const window = () => {
    for (let i = 0; i < STEPS / WINDOWS; i++) optimizer.step();
  };
  for (let i = 0; i < 2; i++) window();
  collect();
  const slopes = Array.from({ length: WINDOWS }, () => {
    const before = heap();
    window();
    const after = heap();
    collect();
    return { allocated: (after - before) / (STEPS / WINDOWS), retained: (heap() - before) / (STEPS / WINDOWS) };
  });
  const sorted = (/** @type {"allocated" | "retained"} */ key) =>
    slopes.map((slope) => slope[key]).sort((one, other) => one - other);
  return { allocated: sorted("allocated")[0], retained: sorted("retained")[Math.floor(WINDOWS / 2)] };
}

const runtime = createRuntime({ backend: /** @type {"wasm" | "js"} */ (process.argv[2]) });
const results = Object.entries(cases).map(([name, make]) => {
  const variables = [new Variable(new Float32Array(20).fill(1), { runtime }), new Variable(0.5, { runtime })];
  const optimizer = make();
  optimizer.build(variables);
  for (const { gradient } of variables) gradient.fill(0.25);
  const before = runtime.byteLength;
  const { value } = variables[0];
  const slopes = measure(optimizer);
  return { name, ...slopes, grown: runtime.byteLength - before, sameView: value === variables[0].value };
});
console.log(JSON.stringify(results));
