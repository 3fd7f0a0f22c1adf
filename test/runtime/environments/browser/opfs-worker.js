// Trains and saves until it is terminated; says which step is safe.
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/opfs";

const w = new Variable(new Float32Array(20_000).fill(1), { name: "w" });
const optimizer = new RMSprop({ momentum: 0.9, name: "optimizer" });
optimizer.build([w]);
const bytes = await readCheckpoint("run");
if (bytes) load(bytes, optimizer);
postMessage(optimizer.rawIterations);
for (;;) {
  w.gradient.set(w.value);
  optimizer.step();
  await writeCheckpoint("run", save(optimizer));
  postMessage(optimizer.rawIterations);
}
