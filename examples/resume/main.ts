// The command: trains until it is done, or until you stop it; the next call goes on.

import { train } from "./train.js";

const [path = "resume.safetensors", steps = "20000"] = process.argv.slice(2);

const parameters = await train(path, Number(steps), (step) => {
  if (step % 1000 === 0) console.log(`step ${step}`);
});
console.log(`${parameters.map((value) => value.toFixed(6)).join(", ")} (the line is 3, -2, 0.5)`);
