// Random configurations, shapes and gradients of all magnitudes, and the bits of what they lead to.
import * as fc from "fast-check";
import {
  type AnyVariable,
  CosineDecay,
  CosineDecayRestarts,
  createRuntime,
  ExponentialDecay,
  InverseTimeDecay,
  type LearningRateSchedule,
  LossScaleOptimizer,
  type Optimizer,
  PiecewiseConstantDecay,
  PolynomialDecay,
  RMSprop,
  type RMSpropOptions,
  type Runtime,
  Variable,
  type VariableOverrides,
} from "rmsprop-wasm";
import { canonicalBits } from "../golden/bits.js";
import { type Noise, numbers } from "../noise.mjs";

export const runtimes = { wasm: createRuntime({ backend: "wasm" }), js: createRuntime({ backend: "js" }) } as const;

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const odd = fc.double({ min: -1e3, max: 1e3, noNaN: true });
/** Mostly what is used, sometimes what is merely accepted. */
const usually = (usual: fc.Arbitrary<number>) =>
  fc.oneof({ arbitrary: usual, weight: 4 }, { arbitrary: odd, weight: 1 });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

const steps = fc.double({ min: 0.5, max: 50, noNaN: true });
const name = fc.constant(undefined);

/** Keras' schedules within the domain in which their values are finite. */
export const schedule: fc.Arbitrary<LearningRateSchedule> = fc.oneof(
  fc
    .record({ initialLearningRate: odd, decaySteps: steps, decayRate: unit, staircase: fc.boolean(), name })
    .map((options) => new ExponentialDecay(options)),
  fc
    .record({ initialLearningRate: odd, decaySteps: steps, decayRate: unit, staircase: fc.boolean() })
    .map((options) => new InverseTimeDecay(options)),
  fc
    .record({
      initialLearningRate: odd,
      decaySteps: steps,
      endLearningRate: odd,
      power: fc.double({ min: 0, max: 3, noNaN: true }),
      cycle: fc.boolean(),
    })
    .map((options) => new PolynomialDecay(options)),
  fc
    .record({ initialLearningRate: odd, decaySteps: steps, alpha: unit, warmupTarget: orNull(odd), warmupSteps: steps })
    .map((options) => new CosineDecay(options)),
  fc
    .record({
      initialLearningRate: odd,
      firstDecaySteps: steps,
      tMul: fc.constantFrom(1, 1.5, 2),
      mMul: unit,
      alpha: unit,
    })
    .map((options) => new CosineDecayRestarts(options)),
  fc.array(fc.tuple(fc.nat(40), odd), { maxLength: 4 }).chain((pairs) =>
    odd.map(
      (last) =>
        new PiecewiseConstantDecay({
          boundaries: pairs.map(([at]) => at),
          values: [...pairs.map(([, value]) => value), last],
        }),
    ),
  ),
);

const learningRate = fc.oneof(unit, odd, schedule);

const common = {
  epsilonMode: fc.constantFrom("inside", "inside", "outside" as const),
  momentumMode: fc.constantFrom("keras", "keras", "torch" as const),
  weightDecayMode: fc.constantFrom("decoupled", "coupled" as const),
  maximize: fc.constantFrom(false, false, true),
  initialVelocity: fc.constantFrom(0, 0, 1, 1e-42),
  learningRate,
  rho: usually(unit),
  momentum: fc.oneof(fc.constant(0), usually(unit)),
  epsilon: fc.oneof(fc.constant(1e-7), fc.constant(0), usually(unit)),
  centered: fc.boolean(),
  weightDecay: orNull(usually(unit)),
  lossScaleFactor: orNull(fc.oneof(fc.constant(1024), usually(unit))),
  gradientAccumulationSteps: fc.constantFrom(null, null, 0, 2, 3, 5),
};
const average = fc.oneof(
  fc.constant({}),
  fc.record({ useEma: fc.constant(true), emaMomentum: unit, emaOverwriteFrequency: fc.constantFrom(null, 0, 1, 2, 3) }),
);
const threshold = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
const clip = fc.oneof(
  fc.constant({}),
  fc.record({ clipvalue: threshold }),
  fc.record({ clipnorm: threshold }),
  fc.record({ globalClipnorm: threshold }),
);

/** Any options that the constructor takes. */
export const options: fc.Arbitrary<RMSpropOptions> = fc
  .tuple(fc.record(common, { requiredKeys: [] }), average, clip)
  .map((parts) => Object.assign({}, ...parts));

/** Options under which what happens to an element depends on that element alone. */
export const elementwise: fc.Arbitrary<RMSpropOptions> = fc
  .tuple(
    fc.record(common, { requiredKeys: [] }),
    average,
    fc.oneof(fc.constant({}), fc.record({ clipvalue: threshold })),
  )
  .map((parts) => Object.assign({}, ...parts));

/** Lengths around those at which blocks, lanes and pairwise sums end. */
export const length = fc.oneof(
  { arbitrary: fc.nat(20), weight: 3 },
  { arbitrary: fc.constantFrom(63, 64, 65, 127, 128, 129, 136, 300, 513, 1100), weight: 1 },
);

export const noise: fc.Arbitrary<Noise> = fc.record({
  seed: fc.nat(2 ** 31),
  kind: fc.constantFrom("unit", "unit", "magnitudes", "finite", "small", "any"),
});

/** A training from which every property starts: variables, an optimizer, gradients. */
export interface Plan {
  readonly options: RMSpropOptions;
  readonly lengths: readonly number[];
  readonly values: Noise;
  readonly gradients: readonly Noise[];
  readonly scaled: boolean;
  /** What each variable does otherwise. */
  readonly overrides: readonly VariableOverrides[];
}

/** Mostly nothing. */
export const overrides: fc.Arbitrary<VariableOverrides> = fc.oneof(
  { arbitrary: fc.constant({}), weight: 2 },
  {
    arbitrary: fc.record(
      {
        learningRateMultiplier: usually(unit),
        weightDecay: fc.oneof(usually(unit), fc.constantFrom(false as const, null)),
        trainable: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    weight: 1,
  },
);

export const plan = (config: fc.Arbitrary<RMSpropOptions> = options): fc.Arbitrary<Plan> =>
  fc.record({
    options: config,
    lengths: fc.array(length, { minLength: 1, maxLength: 4 }),
    values: noise,
    gradients: fc.array(noise, { minLength: 1, maxLength: 8 }),
    scaled: fc.boolean(),
    overrides: fc.array(overrides, { maxLength: 4 }),
  });

export interface Training {
  readonly variables: readonly Variable[];
  readonly optimizer: RMSprop | LossScaleOptimizer;
}

/** Gives variables, which the optimizer need not have yet, the plan's overrides. */
export function override({ overrides }: Plan, optimizer: Optimizer): void {
  overrides.forEach((given, i) => {
    optimizer.override({ names: [`^v${i}$`], optional: true }, given);
  });
}

/** Makes what the plan says in a runtime; the last of several variables is overwritten with its gradient. */
export function make(plan: Plan, runtime: Runtime): Training {
  const variables = plan.lengths.map((count, i) => {
    const overwriteWithGradient = i > 1 && i === plan.lengths.length - 1;
    const values = numbers(count, { ...plan.values, seed: plan.values.seed + i });
    return new Variable(values, { name: `v${i}`, overwriteWithGradient, runtime });
  });
  const inner = new RMSprop({ ...plan.options, name: "inner" });
  const optimizer = plan.scaled
    ? new LossScaleOptimizer(inner, { name: "outer", dynamicGrowthSteps: 2, initialScale: 8 })
    : inner;
  optimizer.excludeFromWeightDecay({ names: ["1"] });
  override(plan, optimizer);
  return { variables, optimizer };
}

export const gradientsAt = (plan: Plan, step: number): Float32Array[] =>
  plan.lengths.map((count, i) =>
    numbers(count, { ...plan.gradients[step]!, seed: plan.gradients[step]!.seed + 7 * i }),
  );

/** The bits of everything, with one NaN for all. */
export function bitsOf(optimizer: Optimizer, variables: readonly AnyVariable[], withGradients = true): string[] {
  const hex = (label: string, values: Float32Array | Int32Array | Uint16Array) => {
    const words = values instanceof Float32Array ? canonicalBits(values) : values;
    return `${label} ${Buffer.from(words.slice().buffer).toString("hex")}`;
  };
  return [
    `built ${optimizer.built}, iterations ${optimizer.iterations}`,
    ...optimizer.variables.map(({ path, value }) => hex(path, value)),
    ...variables.map(({ name: label, value }) => hex(label, value)),
    ...(withGradients ? variables.map(({ name: label, gradient }) => hex(`gradient of ${label}`, gradient)) : []),
  ];
}

export function free({ optimizer, variables }: Training): void {
  optimizer.free();
  for (const variable of variables) variable.free();
}
