// The formula's scalars, rounded to float32 the way the crate rounds them.

import type { Hyperparameters } from "../generated/hyperparameters.js";

/** The scalars of one step. */
export interface Coefficients<T = number> {
  /** η */
  readonly eta: T;
  /** ρ */
  readonly rho: T;
  /** 1-ρ, subtracted in float64. */
  readonly oneMinusRho: T;
  /** ε */
  readonly epsilon: T;
  /** μ */
  readonly mu: T;
  /** λ, the weight decay */
  readonly lambda: T;
  /** Loss scale, or the number of accumulated calls; negative to maximize. */
  readonly divisor: T;
  /** Of whichever way of clipping is on. */
  readonly threshold: T;
  /** M, the weight of the old average */
  readonly emaMomentum: T;
  /** 1-M, in float32 */
  readonly oneMinusEmaMomentum: T;
  readonly zero: T;
}

export type CoefficientName = keyof Coefficients;

const f = Math.fround;

/** The scalars in this iteration: the first average is a copy. η is 0 here, and each variable's own later. */
export function coefficients(by: Hyperparameters, iteration: number): Coefficients {
  const emaMomentum = iteration === 0 ? 0 : f(by.emaMomentum);
  const calls = callsPerUpdate(by);
  // What is summed over calls was divided by the scale before.
  const divisor = calls > 1 ? calls : (by.lossScaleFactor ?? 1);
  return {
    eta: 0,
    rho: f(by.rho),
    oneMinusRho: f(1 - by.rho),
    epsilon: f(by.epsilon),
    mu: f(by.momentum),
    lambda: f(by.weightDecay ?? 0),
    divisor: f(by.maximize ? -divisor : divisor),
    threshold: f(by.clipnorm || by.globalClipnorm || by.clipvalue || 0),
    emaMomentum,
    oneMinusEmaMomentum: f(1 - emaMomentum),
    zero: 0,
  };
}

/** Each scalar as `make` makes it of its name and number. */
export function mapCoefficients<T>(
  c: Coefficients,
  make: (name: CoefficientName, value: number) => T,
): Coefficients<T> {
  const made = Object.entries(c).map(([name, value]) => [name, make(name as CoefficientName, value as number)]);
  return Object.fromEntries(made) as Coefficients<T>;
}

/** Updates and calls by one: how many calls make an update. */
export const callsPerUpdate = (by: Hyperparameters): number => by.gradientAccumulationSteps || 1;
