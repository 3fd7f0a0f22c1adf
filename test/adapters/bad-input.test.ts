// What the core refuses, every adapter refuses too: the same errors, before anything changes.
import { defaultDevice, type JsTree, numpy as np, tree } from "@jax-js/jax";
import {
  CosineDecayRestarts,
  type LearningRate,
  LossScaleOptimizer,
  RMSprop,
  StateError,
  Variable,
  type VariableOverrides,
} from "rmsprop-wasm";
import * as jax from "rmsprop-wasm/jax";
import { rmsprop } from "rmsprop-wasm/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { bits, errorOf } from "../unit/support.js";
import { tf } from "./tf.js";

type Options = Record<string, unknown>;

/** An optimizer over two variables, `a` and `b`, of two values each. */
interface Subject {
  step(gradients?: readonly (readonly number[] | null)[]): void;
  override(options: VariableOverrides): void;
  /** Sets the count of calls. */
  count(calls: number): Promise<void>;
  setRate?(rate: unknown): void;
  free(): void;
  state(): Promise<unknown>;
}

const NAMES = ["a", "b"];
const START = [
  [1, 2],
  [3, 4],
];
const GRADIENTS = [
  [0.5, -0.5],
  [0.25, 1],
];
const SCALE = { lossScale: { initialScale: 4 } };

function core(options: Options, isScaled: boolean): Subject {
  const list = START.map((values, i) => new Variable(values, { name: NAMES[i]! }));
  const inner = new RMSprop(options);
  const optimizer = isScaled ? new LossScaleOptimizer(inner, SCALE.lossScale) : inner;
  return {
    step: (gradients = GRADIENTS) => void optimizer.apply(gradients, list),
    override: (given) => optimizer.override({ names: ["^a"] }, given),
    async count(calls) {
      const store = optimizer.saveOwnVariables();
      optimizer.variables.forEach(({ name }, i) => {
        if (name === "iteration") store[i] = Int32Array.of(calls);
      });
      optimizer.loadOwnVariables(store);
    },
    setRate: (rate) => {
      optimizer.learningRate = rate as LearningRate;
    },
    free: () => optimizer.free(),
    state: async () => [list.map(({ value }) => bits(value)), optimizer.rawIterations],
  };
}

let made = 0;
function tfjs(options: Options): Subject {
  const list = START.map((values, i) => tf.tidy(() => tf.variable(tf.tensor(values), true, `${NAMES[i]}_${made++}`)));
  const optimizer = rmsprop(tf, options as { resident: true });
  return {
    step(gradients = GRADIENTS) {
      const tensors = gradients.map((each) => each && tf.tensor([...each]));
      try {
        optimizer.applyGradients(list.map(({ name }, i) => ({ name, tensor: tensors[i] })) as never);
      } finally {
        tf.dispose(tensors.filter((tensor) => tensor !== null));
      }
    },
    override: (given) => optimizer.override({ names: ["^a"] }, given),
    async count(calls) {
      const weights = await optimizer.getWeights();
      const iter = tf.tensor(Int32Array.of(calls), [], "int32");
      await optimizer.setWeights(
        weights.map((each) => (each.name === "iter" ? { name: "iter", tensor: iter } : each)) as never,
      );
    },
    setRate: (rate) => {
      optimizer.learningRate = rate as LearningRate;
    },
    free: () => optimizer.dispose(),
    state: async () => [list.map((each) => bits(each.dataSync() as Float32Array)), optimizer.iterations],
  };
}

function jaxJs(options: Options): Subject {
  const solver = jax.rmsprop(options as { resident: false });
  const given = (values: readonly (readonly number[] | null)[]) =>
    Object.fromEntries(values.map((each, i) => [NAMES[i], each && np.array([...each])]));
  let w = given(START);
  let state = solver.init(tree.ref(w as JsTree<np.Array>) as typeof w) as Record<string, np.Array>;
  return {
    step(gradients = GRADIENTS) {
      const updates = given(gradients);
      const references = [updates, state].flatMap((each) => tree.leaves<np.Array>(each as JsTree<np.Array>));
      try {
        const [made, next] = solver.update(updates, state);
        w = tree.map((p: np.Array, u: np.Array) => p.add(u), w as never, made as never) as typeof w;
        state = next as typeof state;
      } catch (error) {
        // Nothing was taken over.
        for (const each of references) if (each) expect(each.refCount).toBe(1);
        throw error;
      }
    },
    override: (own) => solver.override({ names: ["^a"] }, own),
    async count(calls) {
      state = { ...state, count: np.array(calls, { dtype: np.uint32 }) };
    },
    free: () => solver.free(),
    state: async () => [
      tree.leaves<np.Array>(w as JsTree<np.Array>).map((leaf) => bits(leaf.ref.dataSync() as Float32Array)),
      state["count"]?.ref.item(),
    ],
  };
}

const FORMS: Readonly<Record<string, (options: Options) => Subject>> = {
  core: (options) => core(options, false),
  "core, scaled": (options) => core(options, true),
  tfjs: (options) => tfjs(options),
  "tfjs, scaled": (options) => tfjs({ ...options, ...SCALE }),
  "tfjs resident": (options) => tfjs({ ...options, resident: true }),
  "tfjs resident, scaled": (options) => tfjs({ ...options, ...SCALE, resident: true }),
  "tfjs composed": (options) => tfjs({ ...options, resident: "composed" }),
  "tfjs composed, scaled": (options) => tfjs({ ...options, ...SCALE, resident: "composed" }),
  jax: (options) => jaxJs(options),
  "jax resident": (options) => jaxJs({ ...options, resident: true }),
};
const isScaledResident = (form: string) => /(resident|composed), scaled/.test(form);
const isTraced = (form: string) => form === "jax resident";

/** Options that none takes. */
const OPTIONS: Options[] = [
  { learningRate: Number.NaN },
  { learningRate: Number.POSITIVE_INFINITY },
  { learningRate: 1e39 },
  { learningRate: "0.1" },
  { learningRate: null },
  { learningRate: [0.1] },
  { learningRate: {} },
  { rho: "0.9" },
  { rho: Number.NaN },
  { momentum: null },
  { epsilon: Number.POSITIVE_INFINITY },
  { clipvalue: "1" },
  { clipnorm: 1, clipvalue: 1 },
  { gradientAccumulationSteps: 1.5 },
  { gradientAccumulationSteps: 1 },
  { emaMomentum: "1" },
  { useEma: 1 },
  { epsilonMode: "under" },
  { momentumMode: 1 },
  { weightDecay: "0.1" },
  { initialVelocity: Number.NaN },
  { maximize: "yes" },
  { name: 5 },
  { measure: true },
  { measure: { gradientnorm: true } },
  { measure: { updateNorm: 1 } },
];

type Rate = (step: number) => unknown;
/** Rates that are right for three steps, and then not. */
const RATES: readonly (readonly [string, (value: Rate) => unknown, (form: string) => boolean])[] = [
  // Under a dynamic scale only the device knows the step, and functions that are traced have no number.
  ["a function", (rate) => rate, (form) => !isScaledResident(form) && !isTraced(form)],
  ["a schedule", (rate) => ({ at: rate }), (form) => !isTraced(form)],
];
const VALUES: readonly [unknown, new (message: string) => Error, RegExp][] = [
  [Number.NaN, RangeError, /`learningRate \(at step 3\)` must be finite in float32; received NaN/],
  [Number.NEGATIVE_INFINITY, RangeError, /must be finite in float32; received -Infinity/],
  [1e39, RangeError, /must be finite in float32; received 1e\+39/],
  ["0.1", TypeError, /The learning rate at step 3 must be a number; received "0\.1"/],
  [undefined, TypeError, /The learning rate at step 3 must be a number; received undefined/],
  [Promise.resolve(0.1), TypeError, /received a Promise/],
];

beforeAll(async () => {
  defaultDevice("cpu");
  await tf.setBackend("cpu");
});

describe.each(Object.entries(FORMS))("%s", (form, make) => {
  /** That this throws, and changes nothing. */
  async function refused(subject: Subject, work: () => unknown, type: new (message: string) => Error, text: RegExp) {
    const before = await subject.state();
    const { numTensors } = tf.memory();
    const error = errorOf(work);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(text);
    expect(await subject.state()).toEqual(before);
    expect(tf.memory().numTensors).toBe(numTensors);
  }

  it.each(OPTIONS)("options: %o", (options) => {
    const right = errorOf(() => new RMSprop(options));
    const error = errorOf(() => make(options));
    expect([error.constructor.name, error.message]).toEqual([right.constructor.name, right.message]);
  });

  for (const [kind, rateOf, isFor] of RATES) {
    if (isFor(form)) {
      it.each(VALUES)(`${kind} that gives %s at the fourth step`, async (value, type, text) => {
        let isRight = false;
        const subject = make({ learningRate: rateOf((step) => (step === 3 && !isRight ? value : 0.1)) });
        for (let step = 0; step < 3; step++) subject.step();
        await refused(subject, () => subject.step(), type, text);
        isRight = true;
        subject.step();
        subject.step();
        subject.free();
      });
    }
  }

  if (!isTraced(form)) {
    it("a schedule of Keras' that ends", async () => {
      const learningRate = new CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 10, tMul: 0.5 });
      const subject = make({ learningRate });
      for (let step = 0; step < 20; step++) subject.step();
      await refused(subject, () => subject.step(), RangeError, /CosineDecayRestarts at step 20\)` must be finite/);
      subject.free();
    });
  }

  if (isTraced(form)) {
    it("norms to be measured, which the functions cannot keep", () => {
      const error = errorOf(() => make({ measure: { gradientNorm: true } }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(/`measure` must be left out with `resident`.*or leave `resident` out/);
      make({ measure: { gradientNorm: false } }).step();
    });

    it("a function that gives no rate", async () => {
      for (const [value, type, text] of [
        [Number.NaN, RangeError, /`learningRate` must be finite in float32; received NaN/],
        [1e39, RangeError, /must be finite in float32/],
        ["0.1", TypeError, /The learning rate must be a number or a scalar array; received "0\.1"/],
        [undefined, TypeError, /received undefined/],
        [np.array([0.1, 0.2]), TypeError, /a scalar array; received/],
      ] as const) {
        const subject = make({
          learningRate(step: np.Array) {
            step.dispose();
            return value;
          },
        });
        await refused(subject, () => subject.step(), type, text);
      }
    });
  }

  it("a multiplier that makes the rate infinite", async () => {
    const traced = (step: np.Array) => {
      step.dispose();
      return 1e30;
    };
    const rates = [1e30, isTraced(form) ? traced : { at: () => 1e30 }];
    for (const learningRate of rates) {
      for (const steps of [0, 2]) {
        const subject = make({ learningRate });
        for (let step = 0; step < steps; step++) subject.step();
        subject.override({ learningRateMultiplier: -1e30 });
        const text = /The learning rate of variable ".+" must be finite in float32; received 1.*e\+30 \* -1e\+30/;
        await refused(subject, () => subject.step(), RangeError, text);
        subject.override({ learningRateMultiplier: 1 });
        subject.step();
        subject.free();
      }
    }
  });

  it("a gradient of another size", async () => {
    const subject = make({});
    subject.step();
    await refused(subject, () => subject.step([[1], [1, 2]]), RangeError, /must (be|have)/);
    subject.free();
  });

  it("no gradient at all", async () => {
    const subject = make({});
    subject.step();
    await refused(subject, () => subject.step([null, null]), RangeError, /No gradients provided for any variable/);
    subject.free();
  });

  if (!isTraced(form)) {
    it("a call beyond those that can be counted", async () => {
      const subject = make({});
      subject.step();
      await subject.count(2 ** 31 - 1);
      await refused(subject, () => subject.step(), StateError, /has counted 2 \*\* 31 - 1 calls/);
      subject.free();
    });

    it("a rate that steps or frees the optimizer", async () => {
      for (const act of ["step", "free"] as const) {
        let acts = false;
        const rate = () => {
          if (acts) subject[act]();
          return 0.1;
        };
        const subject: Subject = make({ learningRate: isScaledResident(form) ? { at: rate } : rate });
        if (!isScaledResident(form)) subject.step();
        acts = true;
        await refused(subject, () => subject.step(), StateError, /not possible inside a constraint or a learning-rate/);
        acts = false;
        subject.step();
        subject.free();
      }
    });
  }

  if (!form.startsWith("jax")) {
    it("another rate", async () => {
      const subject = make({ learningRate: 0.1 });
      subject.step();
      for (const rate of [Number.NaN, 1e39]) {
        await refused(subject, () => subject.setRate?.(rate), RangeError, /`learningRate` must be finite in float32/);
      }
      await refused(subject, () => subject.setRate?.("0.1"), TypeError, /`learningRate` must be a number, a schedule/);
      const scheduled = make({ learningRate: { at: () => 0.1 } });
      await refused(scheduled, () => scheduled.setRate?.(0.2), StateError, /cannot be set to a number/);
      subject.free();
      scheduled.free();
    });
  }
});

describe.each([undefined, true, "composed"] as const)("tfjs, resident: %s", (resident) => {
  it("a core over what is no variable that can be trained", async () => {
    const [gone, integers] = tf.tidy(() => [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(1, "int32"))]);
    gone!.dispose();
    const optimizer = rmsprop(tf, { resident } as { resident: true });
    const { numTensors } = tf.memory();
    for (const [given, type, text] of [
      [5, TypeError, /`variables` must be an array of variables; received 5/],
      [[tf.scalar], TypeError, /`variables\[0\]` must be a tf\.Variable/],
      [[integers], TypeError, /must be float32; it is int32/],
      [[gone], StateError, /it was disposed of, or never made/],
    ] as const) {
      const error = await optimizer.toCore(given as never).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(type);
      expect(error.message).toMatch(text);
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect((await optimizer.toCore()).trainableVariables).toEqual([]);
    integers!.dispose();
    optimizer.dispose();
  });
});
