// The plug-in, in the sandbox: a classic script. Figma's plug-ins run in the same engine.

/* global rmspropWasm */
// biome-ignore lint/correctness/noUnusedVariables: the host calls it
function fit(samples) {
  const { CosineDecay, RMSprop, Variable, backend } = rmspropWasm;
  const line = new Variable([0, 0], { name: "line" });
  const learningRate = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 200 });
  const optimizer = new RMSprop({ learningRate });
  optimizer.build([line]);
  for (let step = 0; step < 200; step++) {
    const [slope, intercept] = line.value;
    line.gradient.fill(0);
    for (const { x, y } of samples) {
      const error = slope * x + intercept - y;
      line.gradient[0] += (error * x) / samples.length;
      line.gradient[1] += error / samples.length;
    }
    optimizer.step();
  }
  const [slope, intercept] = Array.from(line.value, (number) => number.toFixed(2));
  return `backend ${backend()}: slope ${slope}, intercept ${intercept}`;
}
