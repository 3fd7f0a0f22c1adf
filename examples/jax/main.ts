// Softmax regression of jax-js reads handwritten digits, trained with RMSprop as a gradient transformation.

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { ExponentialDecay } from "rmsprop-wasm";
import { rmsprop } from "rmsprop-wasm/jax";
import { DIGITS, type Example, PIXELS, parseExamples, split } from "../digits/data.js";
import { seededRandom } from "../digits/random.js";

const DATA = new URL("../../../examples/digits/digits.csv.gz", import.meta.url); // as seen from build/examples/jax
const STEPS = 150;

const { training, heldOut } = split(parseExamples(gunzipSync(await readFile(DATA)).toString()), seededRandom(1));

const pixels = (examples: readonly Example[]) =>
  np.array(Float32Array.from(examples.flatMap((example) => [...example.pixels])), { shape: [examples.length, PIXELS] });
const [x, test] = [pixels(training), pixels(heldOut)];
const y = nn.oneHot(np.array(Int32Array.from(training, ({ digit }) => digit)), DIGITS);

type Params = { kernel: np.Array; bias: np.Array };
const logits = ({ kernel, bias }: Params, inputs: np.Array) => np.matmul(inputs, kernel).add(bias);
const loss = (params: Params, inputs: np.Array, targets: np.Array) =>
  nn.logSoftmax(logits(params, inputs)).mul(targets).sum().div(-training.length);
// The gradient is compiled; the step is not, since it reads the gradient's numbers.
const lossAndGradient = jit((params: Params, inputs: np.Array, targets: np.Array) => {
  const [value, gradient] = valueAndGrad(loss)(params, inputs, targets);
  return { value, gradient };
});

let params: Params = { kernel: np.zeros([PIXELS, DIGITS]), bias: np.zeros([DIGITS]) };
const solver = rmsprop({
  learningRate: new ExponentialDecay({ initialLearningRate: 0.05, decaySteps: 50, decayRate: 0.5 }),
  momentum: 0.5,
  clipnorm: 1,
});
let state = solver.init(tree.ref(params));
for (let step = 0; step <= STEPS; step++) {
  const { value, gradient } = lossAndGradient(tree.ref(params), x.ref, y.ref);
  if (step % 50 === 0) console.log(`step ${step}: loss ${value.ref.item().toFixed(4)}`);
  value.dispose();
  const [updates, next] = solver.update(gradient, state);
  state = next;
  // applyUpdates of @jax-js/optax
  params = tree.map((p: np.Array, u: np.Array) => p.add(u), params, updates) as Params;
}

const read = np.argmax(logits(params, test), 1).js() as number[];
const right = read.filter((digit, i) => digit === heldOut[i]?.digit).length;
console.log(`${((right / heldOut.length) * 100).toFixed(1)} % of ${heldOut.length} held-out digits are read`);

tree.dispose(state);
for (const array of [x, y]) array.dispose();
