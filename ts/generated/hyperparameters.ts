// Generated from the Rust definitions by crate/src/bin/bindings. Do not edit: `npm run bindings`.

/** The hyper-parameters of `keras.optimizers.RMSprop`, in the order of Keras' `get_config`, and those that Keras does not have. */
export type Hyperparameters = {
  /**
   * λ, the weight decay: before the update, `w -= w * weightDecay * learningRate`. `weightDecayMode` has another formula.
   * `null` turns it off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ weightDecay: 0.004 }).weightDecay; // 0.004
   * ```
   */
  weightDecay: number | null;
  /**
   * Each variable's gradient is scaled so that its L2 norm is at most this. `null`, 0 or a negative number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ clipnorm: 1 }).clipnorm; // 1
   * ```
   */
  clipnorm: number | null;
  /**
   * All gradients are scaled together so that their joint L2 norm is at most this. `null`, 0 or a negative
   * number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ globalClipnorm: 1 }).globalClipnorm; // 1
   * ```
   */
  globalClipnorm: number | null;
  /**
   * Each gradient element is cut to `[-clipvalue, clipvalue]`. `null`, 0 or a negative number: off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ clipvalue: 0.5 }).clipvalue; // 0.5
   * ```
   */
  clipvalue: number | null;
  /**
   * Keep an exponential moving average of the variables' values.
   * Default false.
   *
   * ```ts
   * new RMSprop({ useEma: true }).useEma; // true
   * ```
   */
  useEma: boolean;
  /**
   * Decay of the moving average, in [0, 1]: `average = emaMomentum * average + (1 - emaMomentum) * value`.
   * Default 0.99.
   *
   * ```ts
   * new RMSprop({ useEma: true, emaMomentum: 0.999 }).emaMomentum; // 0.999
   * ```
   */
  emaMomentum: number;
  /**
   * Number of iterations between two overwrites of the variables with their averages. `null` or 0: only
   * `finalizeVariableValues` overwrites.
   * Default null.
   *
   * ```ts
   * new RMSprop({ useEma: true, emaOverwriteFrequency: 100 }).emaOverwriteFrequency; // 100
   * ```
   */
  emaOverwriteFrequency: number | null;
  /**
   * Static loss scale: gradients are divided by it before anything else. `null` turns it off.
   * Default null.
   *
   * ```ts
   * new RMSprop({ lossScaleFactor: 1024 }).lossScaleFactor; // 1024
   * ```
   */
  lossScaleFactor: number | null;
  /**
   * Number of calls, at least 2, whose gradients are averaged into one update. `null` or 0: every call updates.
   * Default null.
   *
   * ```ts
   * new RMSprop({ gradientAccumulationSteps: 4 }).gradientAccumulationSteps; // 4
   * ```
   */
  gradientAccumulationSteps: number | null;
  /**
   * ρ, the decay of the moving average of squared gradients.
   * Default 0.9.
   *
   * ```ts
   * new RMSprop({ rho: 0.99 }).rho; // 0.99
   * ```
   */
  rho: number;
  /**
   * μ, the momentum of the increments. 0 or a negative number: off.
   * Default 0.
   *
   * ```ts
   * new RMSprop({ momentum: 0.9 }).momentum; // 0.9
   * ```
   */
  momentum: number;
  /**
   * ε, added to the denominator for numerical stability: see `epsilonMode`.
   * Default 1e-7.
   *
   * ```ts
   * new RMSprop({ epsilon: 1e-8 }).epsilon; // 1e-8
   * ```
   */
  epsilon: number;
  /**
   * Divide by an estimate of the gradient's standard deviation instead of its root mean square.
   * Default false.
   *
   * ```ts
   * new RMSprop({ centered: true }).centered; // true
   * ```
   */
  centered: boolean;
  /**
   * Where ε is added: `"inside"` the root, `g / √(v + ε)`, or `"outside"`, `g / (√v + ε)`, as in PyTorch. Keras does not
   * have this option: a configuration holds it only if it is `"outside"`, and Keras refuses that.
   * Default "inside".
   *
   * ```ts
   * new RMSprop({ epsilonMode: "outside" }).epsilonMode; // "outside"
   * ```
   */
  epsilonMode: EpsilonMode;
  /**
   * `"keras"`: the momentum buffer sums increments, which have the learning rate in them; `"torch"`: normalized gradients,
   * and the rate is applied to the sum, as in PyTorch. It matters when the rate changes. Chosen before `build`, if there is
   * momentum. Keras does not have this option, as `epsilonMode`.
   * Default "keras".
   *
   * ```ts
   * new RMSprop({ momentum: 0.9, momentumMode: "torch" }).momentumMode; // "torch"
   * ```
   */
  momentumMode: MomentumMode;
  /**
   * `"decoupled"`: weight decay changes the values, as in Keras; `"coupled"`: the gradients, `g += weightDecay * w`, the L2
   * penalty of PyTorch. That is added after clipping, and a `weightDecay` of 0 is off too. Keras does not have this option, as
   * `epsilonMode`.
   * Default "decoupled".
   *
   * ```ts
   * new RMSprop({ weightDecay: 0.01, weightDecayMode: "coupled" }).weightDecayMode; // "coupled"
   * ```
   */
  weightDecayMode: WeightDecayMode;
  /**
   * Go up the gradients instead of down: each is negated first. Keras does not have this option, as `epsilonMode`.
   * Default false.
   *
   * ```ts
   * new RMSprop({ maximize: true }).maximize; // true
   * ```
   */
  maximize: boolean;
  /**
   * What the moving average of squared gradients begins with. State is made in `build` and `add`. With 1, as in
   * TensorFlow 1 and timm, the first steps are about `learningRate * g`. Keras does not have this option, as `epsilonMode`.
   * Default 0.
   *
   * ```ts
   * new RMSprop({ initialVelocity: 1 }).initialVelocity; // 1
   * ```
   */
  initialVelocity: number;
};

/** The hyper-parameters in Keras' configuration. Those that Keras does not have are there only if they are not at their defaults. */
export type HyperparameterConfig = {
  /**
   * λ, the weight decay: before the update, `w -= w * weightDecay * learningRate`. `weightDecayMode` has another formula.
   * `null` turns it off.
   * Default null.
   */
  readonly weight_decay: number | null;
  /**
   * Each variable's gradient is scaled so that its L2 norm is at most this. `null`, 0 or a negative number: off.
   * Default null.
   */
  readonly clipnorm: number | null;
  /**
   * All gradients are scaled together so that their joint L2 norm is at most this. `null`, 0 or a negative
   * number: off.
   * Default null.
   */
  readonly global_clipnorm: number | null;
  /**
   * Each gradient element is cut to `[-clipvalue, clipvalue]`. `null`, 0 or a negative number: off.
   * Default null.
   */
  readonly clipvalue: number | null;
  /**
   * Keep an exponential moving average of the variables' values.
   * Default false.
   */
  readonly use_ema: boolean;
  /**
   * Decay of the moving average, in [0, 1]: `average = emaMomentum * average + (1 - emaMomentum) * value`.
   * Default 0.99.
   */
  readonly ema_momentum: number;
  /**
   * Number of iterations between two overwrites of the variables with their averages. `null` or 0: only
   * `finalizeVariableValues` overwrites.
   * Default null.
   */
  readonly ema_overwrite_frequency: number | null;
  /**
   * Static loss scale: gradients are divided by it before anything else. `null` turns it off.
   * Default null.
   */
  readonly loss_scale_factor: number | null;
  /**
   * Number of calls, at least 2, whose gradients are averaged into one update. `null` or 0: every call updates.
   * Default null.
   */
  readonly gradient_accumulation_steps: number | null;
  /**
   * ρ, the decay of the moving average of squared gradients.
   * Default 0.9.
   */
  readonly rho: number;
  /**
   * μ, the momentum of the increments. 0 or a negative number: off.
   * Default 0.
   */
  readonly momentum: number;
  /**
   * ε, added to the denominator for numerical stability: see `epsilonMode`.
   * Default 1e-7.
   */
  readonly epsilon: number;
  /**
   * Divide by an estimate of the gradient's standard deviation instead of its root mean square.
   * Default false.
   */
  readonly centered: boolean;
  /**
   * Where ε is added: `"inside"` the root, `g / √(v + ε)`, or `"outside"`, `g / (√v + ε)`, as in PyTorch. Keras does not
   * have this option: a configuration holds it only if it is `"outside"`, and Keras refuses that.
   * Default "inside".
   */
  readonly epsilon_mode?: EpsilonMode;
  /**
   * `"keras"`: the momentum buffer sums increments, which have the learning rate in them; `"torch"`: normalized gradients,
   * and the rate is applied to the sum, as in PyTorch. It matters when the rate changes. Chosen before `build`, if there is
   * momentum. Keras does not have this option, as `epsilonMode`.
   * Default "keras".
   */
  readonly momentum_mode?: MomentumMode;
  /**
   * `"decoupled"`: weight decay changes the values, as in Keras; `"coupled"`: the gradients, `g += weightDecay * w`, the L2
   * penalty of PyTorch. That is added after clipping, and a `weightDecay` of 0 is off too. Keras does not have this option, as
   * `epsilonMode`.
   * Default "decoupled".
   */
  readonly weight_decay_mode?: WeightDecayMode;
  /**
   * Go up the gradients instead of down: each is negated first. Keras does not have this option, as `epsilonMode`.
   * Default false.
   */
  readonly maximize?: boolean;
  /**
   * What the moving average of squared gradients begins with. State is made in `build` and `add`. With 1, as in
   * TensorFlow 1 and timm, the first steps are about `learningRate * g`. Keras does not have this option, as `epsilonMode`.
   * Default 0.
   */
  readonly initial_velocity?: number;
};

/**
 * Where ε is added to the denominator.
 */
export type EpsilonMode = "inside" | "outside";

/**
 * Where the learning rate meets the momentum buffer.
 */
export type MomentumMode = "keras" | "torch";

/**
 * What weight decay changes.
 */
export type WeightDecayMode = "decoupled" | "coupled";

/**
 * How a hyper-parameter's value is written, in Rust, in TypeScript and in JSON.
 */
export type Kind = "boolean" | "number" | "optionalNumber" | "optionalCount" | "choice";

/**
 * What a finite value must satisfy. Anything not ruled out here is accepted, as in Keras.
 */
export type Limits = { 
/**
 * Smallest accepted value.
 */
minimum: number | null, 
/**
 * Largest accepted value.
 */
maximum: number | null, 
/**
 * Zero means "off" and is accepted whatever `minimum` says.
 */
zeroIsOff: boolean, 
/**
 * The limits hold only while this flag is set: Keras does not look at EMA options unless `use_ema` is.
 */
onlyWith: string | null, 
/**
 * At most one hyper-parameter of a group may be given.
 */
exclusiveGroup: string | null, };

/** A hyper-parameter: its name here, its key in the configuration, whether Keras does not have it, its default, its limits, its words. */
export interface Descriptor {
  option: keyof Hyperparameters;
  key: string;
  isOwn: boolean;
  kind: Kind;
  default: Hyperparameters[keyof Hyperparameters];
  limits: Limits;
  choices: readonly string[];
}

/** The hyper-parameters in the order of Keras' `get_config`, then our own; a row's index is its number at the boundary. */
export const HYPERPARAMETERS: readonly Descriptor[] = [
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "weight_decay",
    "kind": "optionalNumber",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "weightDecay"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "clipnorm",
    "kind": "optionalNumber",
    "limits": {
      "exclusiveGroup": "clip",
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "clipnorm"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "global_clipnorm",
    "kind": "optionalNumber",
    "limits": {
      "exclusiveGroup": "clip",
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "globalClipnorm"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "clipvalue",
    "kind": "optionalNumber",
    "limits": {
      "exclusiveGroup": "clip",
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "clipvalue"
  },
  {
    "choices": [],
    "default": false,
    "isOwn": false,
    "key": "use_ema",
    "kind": "boolean",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "useEma"
  },
  {
    "choices": [],
    "default": 0.99,
    "isOwn": false,
    "key": "ema_momentum",
    "kind": "number",
    "limits": {
      "exclusiveGroup": null,
      "maximum": 1.0,
      "minimum": 0.0,
      "onlyWith": "useEma",
      "zeroIsOff": false
    },
    "option": "emaMomentum"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "ema_overwrite_frequency",
    "kind": "optionalCount",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": 1.0,
      "onlyWith": "useEma",
      "zeroIsOff": true
    },
    "option": "emaOverwriteFrequency"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "loss_scale_factor",
    "kind": "optionalNumber",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "lossScaleFactor"
  },
  {
    "choices": [],
    "default": null,
    "isOwn": false,
    "key": "gradient_accumulation_steps",
    "kind": "optionalCount",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": 2.0,
      "onlyWith": null,
      "zeroIsOff": true
    },
    "option": "gradientAccumulationSteps"
  },
  {
    "choices": [],
    "default": 0.9,
    "isOwn": false,
    "key": "rho",
    "kind": "number",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "rho"
  },
  {
    "choices": [],
    "default": 0.0,
    "isOwn": false,
    "key": "momentum",
    "kind": "number",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "momentum"
  },
  {
    "choices": [],
    "default": 1e-7,
    "isOwn": false,
    "key": "epsilon",
    "kind": "number",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "epsilon"
  },
  {
    "choices": [],
    "default": false,
    "isOwn": false,
    "key": "centered",
    "kind": "boolean",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "centered"
  },
  {
    "choices": [
      "inside",
      "outside"
    ],
    "default": "inside",
    "isOwn": true,
    "key": "epsilon_mode",
    "kind": "choice",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "epsilonMode"
  },
  {
    "choices": [
      "keras",
      "torch"
    ],
    "default": "keras",
    "isOwn": true,
    "key": "momentum_mode",
    "kind": "choice",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "momentumMode"
  },
  {
    "choices": [
      "decoupled",
      "coupled"
    ],
    "default": "decoupled",
    "isOwn": true,
    "key": "weight_decay_mode",
    "kind": "choice",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "weightDecayMode"
  },
  {
    "choices": [],
    "default": false,
    "isOwn": true,
    "key": "maximize",
    "kind": "boolean",
    "limits": {
      "exclusiveGroup": null,
      "maximum": null,
      "minimum": null,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "maximize"
  },
  {
    "choices": [],
    "default": 0.0,
    "isOwn": true,
    "key": "initial_velocity",
    "kind": "number",
    "limits": {
      "exclusiveGroup": null,
      "maximum": 3.4028234663852886e+38,
      "minimum": 0.0,
      "onlyWith": null,
      "zeroIsOff": false
    },
    "option": "initialVelocity"
  }
];
