// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.
import type { EpsilonMode, MomentumMode, WeightDecayMode } from "../../generated/hyperparameters.js";
import { STATE } from "../../support/internal.js";
import { Optimizer } from "../base-optimizer.js";

/** An optimizer whose hyper-parameters can be read and set. (A type: there is nothing to construct.) */
export abstract class TunableOptimizer extends Optimizer {
  /**
   * λ, the weight decay: before the update, `w -= w * weightDecay * learningRate`. `weightDecayMode` has another formula.
   * `null` turns it off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ weightDecay: 0.004 }).weightDecay; // 0.004
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get weightDecay(): number | null {
    return this[STATE].hyperparameters.weightDecay;
  }
  /** @ignore */
  set weightDecay(value: number | null) {
    this[STATE].set(0, value);
  }

  /**
   * Each variable's gradient is scaled so that its L2 norm is at most this. `null`, 0 or a negative number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ clipnorm: 1 }).clipnorm; // 1
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get clipnorm(): number | null {
    return this[STATE].hyperparameters.clipnorm;
  }
  /** @ignore */
  set clipnorm(value: number | null) {
    this[STATE].set(1, value);
  }

  /**
   * All gradients are scaled together so that their joint L2 norm is at most this. `null`, 0 or a negative
   * number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ globalClipnorm: 1 }).globalClipnorm; // 1
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get globalClipnorm(): number | null {
    return this[STATE].hyperparameters.globalClipnorm;
  }
  /** @ignore */
  set globalClipnorm(value: number | null) {
    this[STATE].set(2, value);
  }

  /**
   * Each gradient element is cut to `[-clipvalue, clipvalue]`. `null`, 0 or a negative number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ clipvalue: 0.5 }).clipvalue; // 0.5
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get clipvalue(): number | null {
    return this[STATE].hyperparameters.clipvalue;
  }
  /** @ignore */
  set clipvalue(value: number | null) {
    this[STATE].set(3, value);
  }

  /**
   * Keep an exponential moving average of the variables' values.
   * Default false.
   *
   * ```ts
   * new RMSprop({ useEma: true }).useEma; // true
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get useEma(): boolean {
    return this[STATE].hyperparameters.useEma;
  }
  /** @ignore */
  set useEma(value: boolean) {
    this[STATE].set(4, value);
  }

  /**
   * Decay of the moving average, in [0, 1]: `average = emaMomentum * average + (1 - emaMomentum) * value`.
   * Default 0.99.
   *
   * ```ts
   * new RMSprop({ useEma: true, emaMomentum: 0.999 }).emaMomentum; // 0.999
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get emaMomentum(): number {
    return this[STATE].hyperparameters.emaMomentum;
  }
  /** @ignore */
  set emaMomentum(value: number) {
    this[STATE].set(5, value);
  }

  /**
   * Number of iterations between two overwrites of the variables with their averages. `null` or 0: only
   * `finalizeVariableValues` overwrites.
   * Default null.
   *
   * ```ts
   * new RMSprop({ useEma: true, emaOverwriteFrequency: 100 }).emaOverwriteFrequency; // 100
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get emaOverwriteFrequency(): number | null {
    return this[STATE].hyperparameters.emaOverwriteFrequency;
  }
  /** @ignore */
  set emaOverwriteFrequency(value: number | null) {
    this[STATE].set(6, value);
  }

  /**
   * Static loss scale: gradients are divided by it before anything else. `null` turns it off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ lossScaleFactor: 1024 }).lossScaleFactor; // 1024
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get lossScaleFactor(): number | null {
    return this[STATE].hyperparameters.lossScaleFactor;
  }
  /** @ignore */
  set lossScaleFactor(value: number | null) {
    this[STATE].set(7, value);
  }

  /**
   * Number of calls, at least 2, whose gradients are averaged into one update. `null` or 0: every call updates.
   * Default null.
   *
   * ```ts
   * new RMSprop({ gradientAccumulationSteps: 4 }).gradientAccumulationSteps; // 4
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get gradientAccumulationSteps(): number | null {
    return this[STATE].hyperparameters.gradientAccumulationSteps;
  }
  /** @ignore */
  set gradientAccumulationSteps(value: number | null) {
    this[STATE].set(8, value);
  }

  /**
   * ρ, the decay of the moving average of squared gradients.
   * Default 0.9.
   *
   * ```ts
   * new RMSprop({ rho: 0.99 }).rho; // 0.99
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get rho(): number {
    return this[STATE].hyperparameters.rho;
  }
  /** @ignore */
  set rho(value: number) {
    this[STATE].set(9, value);
  }

  /**
   * μ, the momentum of the increments. 0 or a negative number: off.
   * Default 0.
   *
   * ```ts
   * new RMSprop({ momentum: 0.9 }).momentum; // 0.9
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get momentum(): number {
    return this[STATE].hyperparameters.momentum;
  }
  /** @ignore */
  set momentum(value: number) {
    this[STATE].set(10, value);
  }

  /**
   * ε, added to the denominator for numerical stability: see `epsilonMode`.
   * Default 1e-7.
   *
   * ```ts
   * new RMSprop({ epsilon: 1e-8 }).epsilon; // 1e-8
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get epsilon(): number {
    return this[STATE].hyperparameters.epsilon;
  }
  /** @ignore */
  set epsilon(value: number) {
    this[STATE].set(11, value);
  }

  /**
   * Divide by an estimate of the gradient's standard deviation instead of its root mean square.
   * Default false.
   *
   * ```ts
   * new RMSprop({ centered: true }).centered; // true
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get centered(): boolean {
    return this[STATE].hyperparameters.centered;
  }
  /** @ignore */
  set centered(value: boolean) {
    this[STATE].set(12, value);
  }

  /**
   * Where ε is added: `"inside"` the root, `g / √(v + ε)`, or `"outside"`, `g / (√v + ε)`, as in PyTorch. Keras does not
   * have this option: a configuration holds it only if it is `"outside"`, and Keras refuses that.
   * Default "inside".
   *
   * ```ts
   * new RMSprop({ epsilonMode: "outside" }).epsilonMode; // "outside"
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get epsilonMode(): EpsilonMode {
    return this[STATE].hyperparameters.epsilonMode;
  }
  /** @ignore */
  set epsilonMode(value: EpsilonMode) {
    this[STATE].set(13, value);
  }

  /**
   * `"keras"`: the momentum buffer sums increments, which have the learning rate in them; `"torch"`: normalized gradients,
   * and the rate is applied to the sum, as in PyTorch. It matters when the rate changes. Chosen before `build`, if there is
   * momentum. Keras does not have this option, as `epsilonMode`.
   * Default "keras".
   *
   * ```ts
   * new RMSprop({ momentum: 0.9, momentumMode: "torch" }).momentumMode; // "torch"
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get momentumMode(): MomentumMode {
    return this[STATE].hyperparameters.momentumMode;
  }
  /** @ignore */
  set momentumMode(value: MomentumMode) {
    this[STATE].set(14, value);
  }

  /**
   * `"decoupled"`: weight decay changes the values, as in Keras; `"coupled"`: the gradients, `g += weightDecay * w`, the L2
   * penalty of PyTorch. That is added after clipping, and a `weightDecay` of 0 is off too. Keras does not have this option, as
   * `epsilonMode`.
   * Default "decoupled".
   *
   * ```ts
   * new RMSprop({ weightDecay: 0.01, weightDecayMode: "coupled" }).weightDecayMode; // "coupled"
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get weightDecayMode(): WeightDecayMode {
    return this[STATE].hyperparameters.weightDecayMode;
  }
  /** @ignore */
  set weightDecayMode(value: WeightDecayMode) {
    this[STATE].set(15, value);
  }

  /**
   * Go up the gradients instead of down: each is negated first. Keras does not have this option, as `epsilonMode`.
   * Default false.
   *
   * ```ts
   * new RMSprop({ maximize: true }).maximize; // true
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get maximize(): boolean {
    return this[STATE].hyperparameters.maximize;
  }
  /** @ignore */
  set maximize(value: boolean) {
    this[STATE].set(16, value);
  }

  /**
   * What the moving average of squared gradients begins with. State is made in `build` and `add`. With 1, as in
   * TensorFlow 1 and timm, the first steps are about `learningRate * g`. Keras does not have this option, as `epsilonMode`.
   * Default 0.
   *
   * ```ts
   * new RMSprop({ initialVelocity: 1 }).initialVelocity; // 1
   * ```
   *
   * @throws {TypeError | RangeError | StateError} if set to a value that is not as documented, or that needs state that
   * was not built.
   */
  get initialVelocity(): number {
    return this[STATE].hyperparameters.initialVelocity;
  }
  /** @ignore */
  set initialVelocity(value: number) {
    this[STATE].set(17, value);
  }
}
