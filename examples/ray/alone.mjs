// The same training in one JavaScript process: prints the bytes of its values.
import { RMSprop, Variable } from "rmsprop-wasm";

const [UPDATES, UNITS_PER_UPDATE, EXAMPLES] = [400, 4, 32];
const { fround } = Math;

/** As training.py's: float32 numbers in [-1, 1). */
function random(unit, count) {
  let state = (Math.imul(unit, 2654435761) + 1) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

function setGradient([w0, w1, b], unit, gradient) {
  const x = random(unit, 2 * EXAMPLES);
  gradient.fill(0);
  for (let i = 0; i < EXAMPLES; i++) {
    const [x0, x1] = [x[2 * i], x[2 * i + 1]];
    const target = fround(fround(fround(x0 * 2) - x1) + 0.5);
    const error = fround(fround(fround(fround(w0 * x0) + fround(w1 * x1)) + b) - target);
    [x0, x1, 1].forEach((factor, k) => {
      gradient[k] += fround(error * factor);
    });
  }
  for (let k = 0; k < 3; k++) gradient[k] /= EXAMPLES;
}

const w = new Variable([0, 0, 0]);
const optimizer = new RMSprop({
  ...{ learningRate: 0.005, momentum: 0.5, centered: true },
  ...{ gradientAccumulationSteps: UNITS_PER_UPDATE, globalClipnorm: 1 },
});
optimizer.build([w]);
for (let unit = 0; unit < UPDATES * UNITS_PER_UPDATE; unit++) {
  setGradient(w.value, unit, w.gradient);
  optimizer.step();
}
console.log(Buffer.from(w.value.slice().buffer).toString("hex"));
