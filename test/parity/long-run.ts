// One long run through every feature: the CRC of all bits after each leg.
import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  LossScaleOptimizer,
  nonNeg,
  PiecewiseConstantDecay,
  PolynomialDecay,
  RMSprop,
  type RMSpropOptions,
  type Runtime,
  Variable,
} from "rmsprop-wasm";
import { crcOf } from "../golden/bits.js";
import { type Noise, numbers } from "../noise.mjs";

/** One leg: a configuration, and how its steps are made. */
interface Leg {
  readonly options: RMSpropOptions;
  readonly kind: Noise["kind"];
  readonly scaled?: boolean;
  readonly nulls?: boolean;
}

const rate = { initialLearningRate: 0.01, decaySteps: 150 };

const LEGS: Record<string, Leg> = {
  plain: { options: {}, kind: "unit" },
  everything: {
    options: {
      learningRate: new CosineDecay({ ...rate, warmupTarget: 0.05, warmupSteps: 40, alpha: 0.1 }),
      momentum: 0.9,
      centered: true,
      weightDecay: 0.004,
      useEma: true,
      emaMomentum: 0.95,
      emaOverwriteFrequency: 7,
      gradientAccumulationSteps: 3,
      globalClipnorm: 5,
    },
    kind: "unit",
    nulls: true,
  },
  "loss scale, clipnorm": {
    options: { learningRate: new ExponentialDecay({ ...rate, decayRate: 0.5 }), clipnorm: 0.5, centered: true },
    kind: "any",
    scaled: true,
    nulls: true,
  },
  "clipvalue, static scale": {
    options: {
      learningRate: new PolynomialDecay({ ...rate, power: 1.5, cycle: true }),
      clipvalue: 0.1,
      lossScaleFactor: 3.7,
    },
    kind: "magnitudes",
  },
  "small numbers": {
    options: { learningRate: new InverseTimeDecay({ ...rate, decayRate: 2 }), epsilon: 0, momentum: 0.5, useEma: true },
    kind: "small",
  },
  "large numbers": {
    options: {
      learningRate: new CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 20, mMul: 0.9 }),
      centered: true,
    },
    kind: "finite",
  },
  "odd numbers": {
    options: {
      learningRate: new PiecewiseConstantDecay({ boundaries: [50, 200], values: [-0.1, 0.01, 0.3] }),
      rho: 1.5,
      momentum: 2,
      epsilon: -1,
      weightDecay: -0.1,
    },
    kind: "unit",
  },
  "accumulation under a loss scale": {
    options: { learningRate: (step) => 1 / (step + 10), gradientAccumulationSteps: 4, globalClipnorm: 1 },
    kind: "unit",
    scaled: true,
  },
};

/** The run, in this runtime, with variables of these lengths: the last but one is empty, the last one is overwritten. */
export function run(runtime: Runtime, lengths: readonly number[], steps: number): Record<string, string> {
  const results: Record<string, string> = {};
  for (const [leg, [name, { options, kind, scaled, nulls }]] of Object.entries(LEGS).entries()) {
    const variables = lengths.map(
      (length, i) =>
        new Variable(numbers(length, { seed: leg * 100 + i, kind: "unit" }), {
          name: `v${i}`,
          constraint: i === 1 ? nonNeg : undefined,
          overwriteWithGradient: i === lengths.length - 1,
          runtime,
        }),
    );
    const inner = new RMSprop({ ...options, name: "inner" });
    const bounds = { dynamicGrowthSteps: 20, minimumScale: 0.5, maximumScale: 2 ** 20 };
    const optimizer = scaled ? new LossScaleOptimizer(inner, { name: "outer", ...bounds }) : inner;
    optimizer.excludeFromWeightDecay({ names: [/[13]/] });
    optimizer.build(variables);
    for (let step = 0; step < steps; step++) {
      // Under a loss scale one step in five may have gradients that are not finite.
      const noise = scaled && kind === "any" && step % 5 ? "magnitudes" : kind;
      const gradients = lengths.map((length, i) => {
        return nulls && (step + i) % 6 === 0 ? null : numbers(length, { seed: step * 1000 + i, kind: noise });
      });
      optimizer.apply(gradients);
    }
    optimizer.finalizeVariableValues();
    results[name] = crcOf([...variables, ...optimizer.variables].map(({ value }) => Float32Array.from(value)));
    optimizer.free();
    for (const variable of variables) variable.free();
  }
  return results;
}
