// Fits y = 3x - 2, a hundred steps per call. Runs are rows of a database: each call goes on from the last one's.

import { Database } from "bun:sqlite";
import { CosineDecay, RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";

const database = new Database("runs.sqlite", { create: true });
database.run("CREATE TABLE IF NOT EXISTS runs (step INTEGER PRIMARY KEY, checkpoint BLOB NOT NULL)");

const points = [-2, -1, 0, 1, 2].map((x) => ({ x, y: 3 * x - 2 }));
const line = new Variable([0, 0], { name: "line" }); // slope and intercept
const learningRate = new CosineDecay({ initialLearningRate: 0.035, decaySteps: 200 });
const optimizer = new RMSprop({ learningRate });
optimizer.build([line]);

const last = database.query("SELECT checkpoint FROM runs ORDER BY step DESC LIMIT 1").get() as {
  checkpoint: Uint8Array;
} | null;
if (last) load(last.checkpoint, optimizer);

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
database.query("INSERT INTO runs VALUES (?, ?)").run(optimizer.iterations, save(optimizer));

const [slope = 0, intercept = 0] = line.value;
console.log(`steps ${begun} to ${optimizer.iterations}: slope ${slope.toFixed(2)}, intercept ${intercept.toFixed(2)}`);
