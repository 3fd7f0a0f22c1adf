// The training, as every part of it knows it: the model, and the data of a unit. Units are batches; four of them make an update.

import { CosineDecay, RMSprop, Variable } from "rmsprop-wasm";
import { crc32 } from "../digits/crc32.js";
import { DIGITS, type Example, PIXELS, parseExamples, split } from "../digits/data.js";
import { Network, type Parameter } from "../digits/network.js";
import { seededRandom, shuffled } from "../digits/random.js";

const SEED = 42;
const HIDDEN_UNITS = 32;
/** Examples of a unit. */
const BATCH = 8;
export const UNITS_PER_UPDATE = 4;
export const UPDATES = 1000;

function network(parameter: (path: string) => Parameter): Network {
  const layer = (name: string) => ({ kernel: parameter(`${name}/kernel`), bias: parameter(`${name}/bias`) });
  return new Network(layer("hidden"), layer("output"));
}

/** A new model and its optimizer, the same in every process. */
export function create() {
  const random = seededRandom(SEED);
  const layer = (name: string, inputs: number, units: number) => {
    const limit = Math.sqrt(6 / (inputs + units));
    const weights = Float32Array.from({ length: inputs * units }, () => limit * (2 * random() - 1));
    return [
      new Variable(weights, { path: `${name}/kernel`, shape: [inputs, units] }),
      new Variable(new Float32Array(units), { path: `${name}/bias` }),
    ];
  };
  const variables = [...layer("hidden", PIXELS, HIDDEN_UNITS), ...layer("output", HIDDEN_UNITS, DIGITS)];
  const optimizer = new RMSprop({
    learningRate: new CosineDecay({ initialLearningRate: 0.01, decaySteps: UPDATES * UNITS_PER_UPDATE }),
    gradientAccumulationSteps: UNITS_PER_UPDATE,
    globalClipnorm: 1,
    weightDecay: 0.1,
  });
  optimizer.build(variables);
  return { optimizer, variables };
}

/** The data, and what is done with it. */
export class Digits {
  readonly #training: readonly Example[];
  readonly #heldOut: readonly Example[];
  #epoch: { readonly number: number; readonly order: readonly Example[] } = { number: -1, order: [] };

  /** @param csv the text of examples/digits/digits.csv.gz. */
  constructor(csv: string) {
    const { training, heldOut } = split(parseExamples(csv), seededRandom(SEED));
    this.#training = training;
    this.#heldOut = heldOut;
  }

  /** The batch of a unit: it follows from the unit alone, so whoever computes it, it is the same. */
  #batch(unit: number): readonly Example[] {
    const unitsPerEpoch = Math.floor(this.#training.length / BATCH);
    const number = Math.floor(unit / unitsPerEpoch);
    if (this.#epoch.number !== number) {
      this.#epoch = { number, order: shuffled(this.#training, seededRandom(SEED + number)) };
    }
    const start = (unit % unitsPerEpoch) * BATCH;
    return this.#epoch.order.slice(start, start + BATCH);
  }

  /** Adds the gradient of a unit's loss to `gradients`. */
  computeGradients(
    unit: number,
    values: Readonly<Record<string, Float32Array>>,
    gradients: Readonly<Record<string, Float32Array>>,
  ): void {
    const model = network((path) => ({ value: values[path]!, gradient: gradients[path]! }));
    for (const { pixels, digit } of this.#batch(unit)) {
      model.forward(pixels);
      model.backward(pixels, digit, 1 / BATCH);
    }
  }

  /** How many of the held-out digits are recognized, and the CRC-32 of all parameters. */
  judge(variables: readonly Variable[]): string {
    const parameters = new Map(variables.map((variable) => [variable.path, variable]));
    const model = network((path) => parameters.get(path)!);
    const correct = this.#heldOut.filter(({ pixels, digit }) => model.forward(pixels) === digit).length;
    const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
    const checksum = variables.reduce((sum, { value }) => crc32(bytes(value), sum), 0);
    const accuracy = ((100 * correct) / this.#heldOut.length).toFixed(1);
    return `${accuracy} % of ${this.#heldOut.length}, CRC-32 ${checksum.toString(16).padStart(8, "0")}`;
  }

  /** The same training in this process alone. */
  trainAlone(): string {
    const { optimizer, variables } = create();
    for (let unit = 0; unit < UPDATES * UNITS_PER_UPDATE; unit++) {
      const values = Object.fromEntries(variables.map(({ path, value }) => [path, value]));
      const gradients = Object.fromEntries(variables.map(({ path, size }) => [path, new Float32Array(size)]));
      this.computeGradients(unit, values, gradients);
      optimizer.apply(variables.map(({ path }) => gradients[path]!));
    }
    return this.judge(variables);
  }
}
