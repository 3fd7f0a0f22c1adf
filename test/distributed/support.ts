// A training whose gradients follow from unit, values and loss scale: what one process does with it, and what workers compute.
import { createHash } from "node:crypto";
import {
  type AnyVariable,
  LossScaleOptimizer,
  nonNeg,
  RMSprop,
  type RMSpropOptions,
  Variable,
  type VariableOverrides,
} from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import type { ReplicaEvent, Unit } from "rmsprop-wasm/distributed";
import { compute, type Gradients, noise } from "./gradients.js";

export { compute, type Dtype } from "./gradients.js";

export interface Training extends Gradients {
  readonly options: RMSpropOptions;
  readonly lengths: readonly number[];
  /** Growth steps of the loss scale, or none. */
  readonly growth: number | null;
  readonly constrained: boolean;
  readonly overwritten: boolean;
  /** What the first variables do otherwise. */
  readonly overrides: readonly VariableOverrides[];
}

export const everything: Training = {
  options: {
    learningRate: 0.05,
    momentum: 0.9,
    centered: true,
    useEma: true,
    emaMomentum: 0.9,
    emaOverwriteFrequency: 5,
    weightDecay: 0.01,
    globalClipnorm: 1,
    gradientAccumulationSteps: 4,
  },
  dtype: "float32",
  lengths: [7, 3, 30],
  growth: 7,
  infinite: 13,
  absent: 5,
  constrained: false,
  overwritten: false,
  overrides: [],
};

/** What Keras does not have. */
export const beyondKeras: Training = {
  ...everything,
  options: {
    ...everything.options,
    maximize: true,
    weightDecayMode: "coupled",
    initialVelocity: 1,
    epsilonMode: "outside",
    momentumMode: "torch",
    measure: { gradientNorm: true, updateNorm: true },
  },
  overrides: [{ learningRateMultiplier: 0.5, weightDecay: 0.1 }, { trainable: false }, { weightDecay: false }],
};

export interface Trained {
  readonly optimizer: RMSprop | LossScaleOptimizer;
  readonly variables: readonly AnyVariable[];
}

export function make(training: Training): Trained {
  const { options, lengths, dtype, growth, constrained, overwritten, overrides } = training;
  const variables = lengths.map((length, i) => {
    const values = Float32Array.from({ length }, (_, k) => noise(1000 + i, k));
    const constraint = constrained && i === 0 ? nonNeg : undefined;
    const overwriteWithGradient = overwritten && i > 0 && i === lengths.length - 1;
    return new Variable(values, { path: `layer${i}/kernel`, constraint, overwriteWithGradient, gradientDtype: dtype });
  });
  const inner = new RMSprop({ ...options });
  const optimizer =
    growth === null
      ? inner
      : // Keras' scale can reach infinity, from where no gradient is finite.
        new LossScaleOptimizer(inner, { initialScale: 1024, dynamicGrowthSteps: growth, maximumScale: 2 ** 14 });
  optimizer.build(variables);
  overrides.forEach((others, i) => void optimizer.override({ variables: [variables[i]!] }, others));
  return { optimizer, variables };
}

/** One process that applies units in order. */
export class OneProcess {
  readonly trained: Trained;
  units = 0;
  readonly #training: Training;

  constructor(training: Training) {
    this.#training = training;
    this.trained = make(training);
  }

  /** Applies so many units in all. */
  until(units: number): this {
    const { optimizer, variables } = this.trained;
    for (; this.units < units; this.units++) {
      const values = Object.fromEntries(variables.map(({ path, value }) => [path, value]));
      const gradients = Object.fromEntries(
        variables.map(({ path, size, gradientDtype }) => [
          path,
          gradientDtype === "float32" ? new Float32Array(size) : new Uint16Array(size),
        ]),
      ) as Unit["gradients"];
      const inner = optimizer instanceof LossScaleOptimizer ? optimizer.dynamicScale : (optimizer.lossScaleFactor ?? 1);
      compute(this.#training, { unit: this.units, values, gradients, lossScale: inner });
      optimizer.apply(variables.map(({ path }) => gradients[path]!));
    }
    return this;
  }

  get state(): string {
    return stateOf(this.trained);
  }

  free(): void {
    free(this.trained);
  }
}

/** Everything that a checkpoint holds, but for names that are counted up. */
export function stateOf({ optimizer }: Trained): string {
  const bytes = Buffer.from(save(optimizer));
  const header = Number(bytes.readBigUInt64LE(0));
  const text = bytes.subarray(8, 8 + header).toString();
  return `${text
    .replaceAll(/(rm_sprop|loss_scale_optimizer)(_\d+)?/g, "$1")
    .replace(/"checksum":"\w+"/, "")
    .trimEnd()} ${createHash("sha256")
    .update(bytes.subarray(8 + header))
    .digest("hex")}`;
}

export function free({ optimizer, variables }: Trained): void {
  optimizer.free();
  for (const variable of variables) variable.free();
}

/** What `events` ends with: the events, and the error if there is one. */
export async function drained(
  events: AsyncIterable<ReplicaEvent>,
  each: (event: ReplicaEvent) => void = () => {},
): Promise<{ readonly events: ReplicaEvent[]; readonly error?: Error }> {
  const all: ReplicaEvent[] = [];
  try {
    for await (const event of events) {
      all.push(event);
      each(event);
    }
    return { events: all };
  } catch (error) {
    return { events: all, error: error as Error };
  }
}
