// A program that uses every entry as users do, in strict TypeScript: typescript.mjs compiles it with every version of
// TypeScript that is supported. It throws if it computes anything else than it should.
import {
  type Backend,
  type Constraint,
  createRuntime,
  type Hyperparameters,
  LossScaleOptimizer,
  nonNeg,
  type Optimizer,
  RMSprop,
  type RMSpropConfig,
  type RMSpropOptions,
  type Runtime,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { type Checkpointed, load, type SaveOptions, save } from "rmsprop-wasm/checkpoint";
import * as script from "rmsprop-wasm/js";
import type wasm from "rmsprop-wasm/rmsprop.wasm";
import { CosineDecay, deserialize, type LearningRateSchedule, type Schedule, serialize } from "rmsprop-wasm/schedules";
import * as slim from "rmsprop-wasm/slim";
import * as inline from "rmsprop-wasm/wasm-only";

function equal<T>(found: T, wanted: NoInfer<T>): void {
  if (!Object.is(found, wanted)) throw new Error(`${String(found)}, not ${String(wanted)}`);
}

const STEPPED = Math.fround(9.683772);

/** The first step of the README with the classes of any entry. */
function first(entry: Pick<typeof script, "RMSprop" | "Variable">): number {
  using w = new entry.Variable(10, { name: "w" });
  using optimizer = new entry.RMSprop({ learningRate: 0.1 });
  optimizer.build([w]);
  w.gradient[0] = w.value[0] ?? Number.NaN;
  optimizer.step();
  return w.value[0] ?? Number.NaN;
}

equal(first(script), STEPPED);
equal(first(inline as unknown as typeof script), STEPPED);
equal<Backend>(script.backend(), "js");
equal<Backend>(inline.backend(), "wasm-simd128");

// Options are a plain interface: any of them together compile, and the constructor judges them.
const options: RMSpropOptions = { momentum: 0.9, clipnorm: 1, useEma: true, emaMomentum: 0.5, weightDecay: null };
const useEma: boolean = options.momentum === 0.9;
equal(new RMSprop({ ...options, useEma }).useEma, true);
const refused = (wrong: RMSpropOptions) => {
  try {
    return new RMSprop(wrong).name;
  } catch (error) {
    return (error as Error).name;
  }
};
equal(refused({ clipnorm: 1, clipvalue: 1 }), "RangeError");
equal(new RMSprop({ emaMomentum: 0.5 }).emaMomentum, 0.5);

// Hyper-parameters are properties; the configuration has their names in Keras' spelling.
const runtime: Runtime = createRuntime({ initialBytes: 2 ** 16 });
const constraint: Constraint = nonNeg;
const kernel = new Variable(new Float32Array(6).fill(1), { path: "dense/kernel", shape: [2, 3], constraint, runtime });
const bias = new Variable([0.5, 0.25], { path: "dense/bias", runtime });
const schedule: Schedule = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
const optimizer = new RMSprop({ ...options, learningRate: schedule });
const hyperparameters: Hyperparameters = optimizer;
equal(hyperparameters.momentum, 0.9);
optimizer.momentum = 0.5;
const config: RMSpropConfig = optimizer.getConfig();
equal(config.momentum, 0.5);
equal(config.weight_decay, null);
const again: LearningRateSchedule = deserialize(
  serialize(new CosineDecay({ initialLearningRate: 0.1, decaySteps: 10 })),
);
equal(again.at(5), schedule.at(5));

// Gradients in any array, or none.
optimizer.apply([new Float64Array(6), null], [kernel, bias]);
equal(optimizer.iterations, 1);
const velocity: Float32Array<ArrayBuffer> | null = optimizer.slot("velocity", kernel);
equal(velocity?.length, 6);
for (const { dtype, value } of optimizer.variables) equal(value instanceof Float32Array, dtype === "float32");

// A loss scale around it, by what both have in common.
const scaled: Optimizer = new LossScaleOptimizer(new RMSprop(), { initialScale: 8 });
const loss: number = scaled.minimize(
  ({ lossScale, variables }) => {
    for (const { gradient } of variables) gradient.fill(lossScale);
    return 1;
  },
  [kernel, bias],
);
equal(loss, 1);
equal(scaled.scaleLoss(2), 16);

// What is inferred: the type of a gradient, a list of variables, which configuration it is, wrapped options.
const half: Variable<"float16"> = new Variable(1, { gradientDtype: "float16" });
// @ts-expect-error float32
const plain: Variable<"float16"> = new Variable(1);
equal(half.gradient.length + plain.value.length, 2);
equal(
  new RMSprop().minimize(({ variables: [first] }) => first.size, [half]),
  1,
);
const either = scaled.getConfig();
equal("inner_optimizer" in either && LossScaleOptimizer.fromConfig(either).initialScale, 8);
equal(CosineDecay.fromConfig({ initial_learning_rate: 1, decay_steps: 1 }).getConfig().warmup_target, null);
class Tuned extends RMSprop {
  // @ts-expect-error an accessor
  override rho = 0.5;
  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
  }
}
type Training = RMSpropOptions & { readonly epochs: number };
const tuned = ({ epochs, ...rest }: Training) => [epochs, new Tuned({ ...rest, momentum: 0.5 })] as const;
equal(tuned({ epochs: 2, clipnorm: 1 })[1].clipnorm, 1);

// A checkpoint of an optimizer of any entry.
const settings: SaveOptions = { includeVariables: false };
const checkpointed: Checkpointed = optimizer;
const bytes: Uint8Array<ArrayBuffer> = save(checkpointed, settings);
load(bytes, optimizer);

// ./slim, and what an import of the WebAssembly gives.
const error: unknown = await slim.init({} as typeof wasm).catch((reason: unknown) => reason);
equal(error instanceof TypeError, true);
try {
  slim.backend();
} catch (reason) {
  // The classes of errors are those of every entry.
  equal(reason instanceof StateError && reason.name, "StateError");
}
