// The training, wherever it runs: no global of Node or of the web, and on the way to the parameters nothing but operations
// that are exact in IEEE 754 (+ − × ÷ √ and integers), so their bits are the same in every engine and on both backends.

import { CosineDecay, RMSprop, type Runtime, Variable } from "rmsprop-wasm";
import { crc32 } from "./crc32.js";
import { DIGITS, type Example, PIXELS, split } from "./data.js";
import { type Layer, Network } from "./network.js";
import { type Random, seededRandom, shuffled } from "./random.js";

const HIDDEN_UNITS = 32;

export interface Settings {
  /** Decides the split of the data, the first parameters and the order of the examples. */
  readonly seed: number;
  readonly epochs: number;
  /** Examples per step. */
  readonly batch: number;
  /** The highest rate: reached after the warm-up, falling to 0 along a cosine from there. */
  readonly learningRate: number;
  /** Epochs in which the rate rises from 0. */
  readonly warmUp: number;
  readonly weightDecay: number;
  readonly globalClipnorm: number;
  readonly emaMomentum: number;
}

export const defaults: Settings = {
  seed: 42,
  epochs: 40,
  batch: 32,
  learningRate: 0.01,
  warmUp: 2,
  weightDecay: 0.1,
  globalClipnorm: 1,
  emaMomentum: 0.99,
};

export interface Environment {
  /** Where variables and optimizer live; without one, in the default runtime. */
  readonly runtime?: Runtime | undefined;
  /** Milliseconds from any start, such as `performance.now`; without one, nothing is timed. */
  readonly clock?: () => number;
}

/** What an epoch came to. Loss and accuracy are means over its examples, each taken just before the example is learned. */
export interface Epoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
}

export interface Result {
  /** Of the held-out examples, how many were recognized. */
  readonly correct: number;
  readonly tested: number;
  readonly steps: number;
  readonly parameters: number;
  /** CRC-32 of the final parameters (their bytes as they lie in memory: little-endian float32). */
  readonly checksum: number;
  /** Milliseconds between the two readings of the clock around each step, added up. */
  readonly optimizerTime: number;
}

/** Yields after every epoch, so that the caller can show it, or stop by leaving its loop. */
export function* train(
  examples: readonly Example[],
  settings: Settings,
  environment: Environment = {},
): Generator<Epoch, Result> {
  const { epochs, batch } = settings;
  const { runtime, clock = () => 0 } = environment;
  const random = seededRandom(settings.seed);
  const { training, heldOut } = split(examples, random);
  const stepsPerEpoch = Math.ceil(training.length / batch);
  const warmupSteps = Math.round(settings.warmUp * stepsPerEpoch);

  const hidden = createLayer("hidden", PIXELS, HIDDEN_UNITS, random, runtime);
  const output = createLayer("output", HIDDEN_UNITS, DIGITS, random, runtime);
  const variables = [hidden.kernel, hidden.bias, output.kernel, output.bias];
  const network = new Network(hidden, output);

  const optimizer = new RMSprop({
    learningRate: new CosineDecay({
      initialLearningRate: 0,
      warmupTarget: settings.learningRate,
      warmupSteps,
      decaySteps: Math.max(epochs * stepsPerEpoch - warmupSteps, 1),
    }),
    weightDecay: settings.weightDecay,
    globalClipnorm: settings.globalClipnorm,
    useEma: true,
    emaMomentum: settings.emaMomentum,
  });
  try {
    optimizer.excludeFromWeightDecay({ names: ["bias"] });
    optimizer.build(variables);

    let optimizerTime = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const order = shuffled(training, random);
      let loss = 0;
      let correct = 0;
      for (let start = 0; start < order.length; start += batch) {
        const members = order.slice(start, start + batch);
        optimizer.zeroGradients();
        for (const { pixels, digit } of members) {
          if (network.forward(pixels) === digit) correct++;
          loss += network.loss(digit);
          network.backward(pixels, digit, 1 / members.length);
        }
        const before = clock();
        optimizer.step();
        optimizerTime += clock() - before;
      }
      yield {
        epoch,
        loss: loss / order.length,
        accuracy: correct / order.length,
        learningRate: optimizer.learningRate,
      };
    }

    optimizer.finalizeVariableValues(); // from the last parameters to their moving average
    return {
      correct: heldOut.filter(({ pixels, digit }) => network.forward(pixels) === digit).length,
      tested: heldOut.length,
      steps: epochs * stepsPerEpoch,
      parameters: variables.reduce((sum, { size }) => sum + size, 0),
      checksum: variables.reduce((sum, { value }) => crc32(bytes(value), sum), 0),
      optimizerTime,
    };
  } finally {
    optimizer.free();
    for (const variable of variables) variable.free();
  }
}

/** Kernel after Glorot and Bengio (2010), as Keras' `Dense` begins: uniform within ±√(6 / (inputs + units)). The bias begins at 0. */
function createLayer(name: string, inputs: number, units: number, random: Random, runtime: Runtime | undefined) {
  const limit = Math.sqrt(6 / (inputs + units));
  const weights = Float32Array.from({ length: inputs * units }, () => limit * (2 * random() - 1));
  return {
    kernel: new Variable(weights, { name: "kernel", path: `${name}/kernel`, shape: [inputs, units], runtime }),
    bias: new Variable(new Float32Array(units), { name: "bias", path: `${name}/bias`, runtime }),
  } satisfies Layer;
}

function bytes(view: Float32Array): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
