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
  /** Of its last step: the norm of the gradient over all parameters, before it was clipped. */
  readonly gradientNorm: number;
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
  const training = new Training(examples, settings, environment);
  try {
    while (!training.isDone) yield training.runEpoch();
    return training.finish();
  } finally {
    training.free();
  }
}

/** A training between two of its epochs: it can be looked at, saved and gone on with. */
export class Training {
  readonly settings: Settings;
  readonly stepsPerEpoch: number;
  readonly network: Network;
  readonly optimizer: RMSprop;
  readonly heldOut: readonly Example[];
  readonly #training: readonly Example[];
  readonly #variables: readonly Variable[];
  readonly #random: Random;
  readonly #clock: () => number;
  #epoch = 0;
  #optimizerTime = 0;

  constructor(examples: readonly Example[], settings: Settings, environment: Environment = {}) {
    const { runtime, clock = () => 0 } = environment;
    this.settings = settings;
    this.#clock = clock;
    this.#random = seededRandom(settings.seed);
    const { training, heldOut } = split(examples, this.#random);
    this.#training = training;
    this.heldOut = heldOut;
    this.stepsPerEpoch = Math.ceil(training.length / settings.batch);
    const warmupSteps = Math.round(settings.warmUp * this.stepsPerEpoch);

    const hidden = createLayer("hidden", PIXELS, HIDDEN_UNITS, this.#random, runtime);
    const output = createLayer("output", HIDDEN_UNITS, DIGITS, this.#random, runtime);
    this.#variables = [hidden.kernel, hidden.bias, output.kernel, output.bias];
    this.network = new Network(hidden, output);
    try {
      this.optimizer = new RMSprop({
        learningRate: new CosineDecay({
          initialLearningRate: 0,
          warmupTarget: settings.learningRate,
          warmupSteps,
          decaySteps: Math.max(settings.epochs * this.stepsPerEpoch - warmupSteps, 1),
        }),
        weightDecay: settings.weightDecay,
        globalClipnorm: settings.globalClipnorm,
        useEma: true,
        emaMomentum: settings.emaMomentum,
        // With clipping by it, the norm is known anyway.
        measure: { gradientNorm: true },
      });
    } catch (error) {
      for (const variable of this.#variables) variable.free();
      throw error;
    }
    this.optimizer.excludeFromWeightDecay({ names: ["bias"] });
    this.optimizer.build(this.#variables);
  }

  /** How many epochs are done. */
  get epoch(): number {
    return this.#epoch;
  }

  get isDone(): boolean {
    return this.#epoch === this.settings.epochs;
  }

  /** The held-out examples that the network recognizes as it is now. */
  get correct(): number {
    return this.heldOut.filter(({ pixels, digit }) => this.network.forward(pixels) === digit).length;
  }

  /**
   * Counts `epochs` as done: what chance decided in them is drawn, and nothing is learned. Then an optimizer saved after as
   * many epochs can be loaded, and the next epoch is the one that would have followed.
   */
  skip(epochs: number): void {
    for (let i = 0; i < epochs; i++) shuffled(this.#training, this.#random);
    this.#epoch += epochs;
  }

  runEpoch(): Epoch {
    const { batch } = this.settings;
    const order = shuffled(this.#training, this.#random);
    let loss = 0;
    let correct = 0;
    for (let start = 0; start < order.length; start += batch) {
      const members = order.slice(start, start + batch);
      this.optimizer.zeroGradients();
      for (const { pixels, digit } of members) {
        if (this.network.forward(pixels) === digit) correct++;
        loss += this.network.loss(digit);
        this.network.backward(pixels, digit, 1 / members.length);
      }
      const before = this.#clock();
      this.optimizer.step();
      this.#optimizerTime += this.#clock() - before;
    }
    this.#epoch++;
    return {
      epoch: this.#epoch,
      loss: loss / order.length,
      accuracy: correct / order.length,
      gradientNorm: this.optimizer.lastStep?.gradientNorm ?? 0,
      learningRate: this.optimizer.learningRate,
    };
  }

  /** The moving average becomes the parameters, and the held-out examples are tested. */
  finish(): Result {
    this.optimizer.finalizeVariableValues();
    return {
      correct: this.correct,
      tested: this.heldOut.length,
      steps: this.#epoch * this.stepsPerEpoch,
      parameters: this.#variables.reduce((sum, { size }) => sum + size, 0),
      checksum: this.#variables.reduce((sum, { value }) => crc32(bytes(value), sum), 0),
      optimizerTime: this.#optimizerTime,
    };
  }

  free(): void {
    this.optimizer.free();
    for (const variable of this.#variables) variable.free();
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
