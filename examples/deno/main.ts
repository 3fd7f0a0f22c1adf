// Fits y = 3x - 2, a hundred steps per call: each call goes on from the file that the last one left.

import { CosineDecay, RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";

const points = [-2, -1, 0, 1, 2].map((x) => ({ x, y: 3 * x - 2 }));
const line = new Variable([0, 0], { name: "line" }); // slope and intercept
const learningRate = new CosineDecay({ initialLearningRate: 0.035, decaySteps: 200 });
const optimizer = new RMSprop({ learningRate });
optimizer.build([line]);

const file = await readCheckpoint("run.safetensors"); // null the first time
if (file) load(file, optimizer);

const begun = optimizer.iterations;
for (let step = 0; step < 100; step++) {
  const [slope = 0, intercept = 0] = line.value;
  line.gradient.fill(0);
  for (const { x, y } of points) {
    const error = slope * x + intercept - y;
    line.gradient[0]! += error * x;
    line.gradient[1]! += error;
  }
  optimizer.step();
}
await writeCheckpoint("run.safetensors", save(optimizer));

const [slope = 0, intercept = 0] = line.value;
console.log(`steps ${begun} to ${optimizer.iterations}: slope ${slope.toFixed(2)}, intercept ${intercept.toFixed(2)}`);
