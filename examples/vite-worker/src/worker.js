// Trains a small network to tell points inside a circle from those outside. It saves itself in the browser's private file
// system every 500 steps, so that a reload goes on where it was, with the same bits.

import { CosineDecay, RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { deleteCheckpoint, readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/opfs";
import { createNetwork } from "./network.js";

const STEPS = 20_000;
const FILE = "circle.safetensors";

let run = 0;
addEventListener("message", async () => {
  run++;
  await deleteCheckpoint(FILE);
  await train(run);
});
// Without await: Vite makes a classic script of a worker.
train(run);

async function train(mine) {
  const network = createNetwork(Variable);
  const learningRate = new CosineDecay({ initialLearningRate: 0.005, decaySteps: STEPS });
  const optimizer = new RMSprop({ learningRate });
  optimizer.build(network.variables);

  const bytes = await readCheckpoint(FILE); // null the first time
  if (bytes) load(bytes, optimizer);

  while (mine === run) {
    postMessage({ step: optimizer.iterations, steps: STEPS, accuracy: network.accuracy() });
    if (optimizer.iterations >= STEPS) break;
    for (let i = 0; i < 500; i++) {
      network.computeGradients(optimizer.iterations);
      optimizer.step();
    }
    if (mine === run) await writeCheckpoint(FILE, save(optimizer));
  }
  optimizer.free();
  for (const variable of network.variables) variable.free();
}
