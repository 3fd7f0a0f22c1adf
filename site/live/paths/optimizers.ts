// Four ways downhill: two are the package's optimizer, two are formulas written out in float32.

import { CosineDecay, RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import type { OptimizerId, Settings } from "./settings.js";

const f32 = Math.fround;

export interface Walker {
  /** The two weights. */
  readonly weights: ArrayLike<number>;
  step(gx: number, gy: number): void;
  free(): void;
}

/** A walker whose arrays lie in the package's memory. */
export interface PackageWalker extends Walker {
  readonly learningRate: number;
  readonly iterations: number;
  readonly average: Float32Array | null;
  /** Its arrays by name, read where the optimizer keeps them. */
  arrays(): readonly (readonly [name: string, values: Float32Array])[];
}

export function createWalker(id: OptimizerId, settings: Settings): Walker {
  switch (id) {
    case "keras":
      return createKeras(settings);
    case "torch":
      return createOfPackage(settings, { epsilonMode: "outside", momentumMode: "torch" });
    case "tfjs":
      return createTfjs(settings);
    case "descent":
      return createDescent(settings);
  }
}

export const createKeras = (settings: Settings): PackageWalker => createOfPackage(settings, {});

function createOfPackage(settings: Settings, modes: RMSpropOptions): PackageWalker {
  const w = new Variable([...settings.start], { name: "w" });
  const optimizer = new RMSprop({
    learningRate: settings.cosine ? cosineDecay(settings) : settings.learningRate,
    rho: settings.rho,
    momentum: settings.momentum,
    epsilon: settings.epsilon,
    centered: settings.centered,
    weightDecay: settings.weightDecay || null,
    clipnorm: settings.clipnorm || null,
    ...(settings.ema ? { useEma: true, emaMomentum: settings.ema } : {}),
    ...modes,
  } as RMSpropOptions);
  optimizer.build([w]);
  return {
    get weights() {
      return w.value;
    },
    get learningRate() {
      return optimizer.learningRate;
    },
    get iterations() {
      return optimizer.iterations;
    },
    get average() {
      return optimizer.slot("average", w);
    },
    step(gx, gy) {
      const { gradient } = w;
      gradient[0] = gx;
      gradient[1] = gy;
      optimizer.step();
    },
    arrays() {
      const slots = (["velocity", "momentum", "average_gradient", "average"] as const).flatMap((name) => {
        const values = optimizer.slot(name, w);
        return values ? [[name, values] as const] : [];
      });
      return [["w.value", w.value], ["w.gradient", w.gradient], ...slots];
    },
    free() {
      optimizer.free();
      w.free();
    },
  };
}

/** `tf.train.rmsprop` of TensorFlow.js 4.22. It knows neither decay nor clipping nor an average; centered, it subtracts ε. */
function createTfjs(settings: Settings): Walker {
  const rateAt = learningRates(settings);
  const [rho, rest] = [f32(settings.rho), f32(1 - settings.rho)];
  const [momentum, epsilon] = [f32(settings.momentum), f32(settings.epsilon)];
  const weights = Float32Array.from(settings.start);
  const [velocity, mean, moment] = [new Float32Array(2), new Float32Array(2), new Float32Array(2)];
  let steps = 0;
  return {
    weights,
    step(gx, gy) {
      const rate = rateAt(steps++);
      for (const [i, element] of [gx, gy].entries()) {
        const g = f32(element);
        velocity[i] = f32(f32(velocity[i]! * rho) + f32(f32(g * g) * rest));
        let denominator = f32(velocity[i]! + epsilon);
        if (settings.centered) {
          mean[i] = f32(f32(mean[i]! * rho) + f32(g * rest));
          denominator = f32(velocity[i]! - f32(f32(mean[i]! * mean[i]!) + epsilon));
        }
        moment[i] = f32(f32(moment[i]! * momentum) + f32(f32(g * rate) / f32(Math.sqrt(denominator))));
        weights[i] = f32(weights[i]! - moment[i]!);
      }
    },
    free() {},
  };
}

function createDescent(settings: Settings): Walker {
  const rateAt = learningRates(settings);
  const weights = Float32Array.from(settings.start);
  let steps = 0;
  return {
    weights,
    step(gx, gy) {
      const rate = rateAt(steps++);
      weights[0] = f32(weights[0]! - f32(f32(gx) * rate));
      weights[1] = f32(weights[1]! - f32(f32(gy) * rate));
    },
    free() {},
  };
}

const cosineDecay = ({ learningRate, steps }: Settings) =>
  new CosineDecay({ initialLearningRate: learningRate, decaySteps: steps });

function learningRates(settings: Settings): (step: number) => number {
  const constant = f32(settings.learningRate);
  if (!settings.cosine) return () => constant;
  const schedule = cosineDecay(settings);
  return (step) => schedule.at(step);
}
