// What PyTorch and timm have and Keras has not: decay in the gradients, going up, and a velocity that begins above 0. Each is
// compared, bit by bit, with an optimizer that has none of them and is given what they make.
import { LossScaleOptimizer, RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";
import { bits, noise, onBothBackends, stateOf } from "./support.js";

const f = Math.fround;
const SIZES = [1, 21, 300];
const STEPS = 6;
const LAMBDA = 0.05;
/** Options of every path through a step: inlined, in one pass, block by block, and PyTorch's. */
const PATHS: Readonly<Record<string, RMSpropOptions>> = {
  plain: {},
  "momentum, centered": { momentum: 0.9, centered: true },
  average: { useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 4 },
  clipvalue: { clipvalue: 0.3 },
  clipnorm: { clipnorm: 0.5 },
  globalClipnorm: { globalClipnorm: 0.5, momentum: 0.5 },
  "loss scale": { lossScaleFactor: 8 },
  "loss scale of 3.7, clipnorm": { lossScaleFactor: 3.7, clipnorm: 0.5 },
  torch: { epsilonMode: "outside", momentumMode: "torch", momentum: 0.9, centered: true, rho: 0.99 },
};
const gradients = (step: number) => SIZES.map((size, i) => noise(size, 10 * step + i + 1));

onBothBackends((runtime) => {
  const variables = () =>
    SIZES.map(
      (size, i) => new Variable(noise(size, 1000 + i), { name: i === 1 ? "bias" : "kernel", path: `${i}`, runtime }),
    );
  const built = (options: RMSpropOptions) => {
    const optimizer = new RMSprop({ learningRate: 0.02, name: "optimizer", ...options });
    const list = variables();
    optimizer.excludeFromWeightDecay({ names: ["bias"] });
    optimizer.build(list);
    return { optimizer, list };
  };
  /** All but the configuration. */
  const stateWithoutConfig = ({ optimizer, list }: ReturnType<typeof built>) => {
    const { config: _, gradients: __, ...rest } = stateOf(optimizer, list) as Record<string, unknown>;
    return rest;
  };

  describe.each(Object.entries(PATHS).filter(([name]) => !/clip|scale/i.test(name)))(
    "coupled decay, %s",
    (_, options) => {
      it("has the bits of g + w·λ given as the gradient, where a variable is not excluded", () => {
        const coupled = built({ ...options, weightDecay: LAMBDA, weightDecayMode: "coupled" });
        const plain = built(options);
        for (let step = 0; step < STEPS; step++) {
          coupled.optimizer.apply(gradients(step));
          const penalized = gradients(step).map((gradient, i) => {
            const w = plain.list[i]!.value;
            return i === 1 ? gradient : gradient.map((g, k) => f(g + f(w[k]! * f(LAMBDA))));
          });
          plain.optimizer.apply(penalized);
          expect(stateWithoutConfig(coupled)).toEqual(stateWithoutConfig(plain));
        }
      });
    },
  );

  it("coupled decay is added behind clipping and the loss scale", () => {
    for (const options of [{ clipvalue: 0.25 }, { clipnorm: 0.25 }, { globalClipnorm: 0.25 }]) {
      const w = new Variable([2], { runtime });
      const optimizer = new RMSprop({ ...options, lossScaleFactor: 4, weightDecay: 0.5, weightDecayMode: "coupled" });
      optimizer.apply([[400]], [w]);
      // (0.25 + 2·0.5)² · (1 - ρ)
      expect(optimizer.slot("velocity", w)![0]).toBe(f(f(1.25 ** 2) * f(1 - 0.9)));
    }
  });

  it("coupled decay of 0 is off, as in PyTorch; decoupled of 0 is Keras'", () => {
    const w = new Variable([Number.POSITIVE_INFINITY], { runtime });
    const optimizer = new RMSprop({ weightDecay: 0, weightDecayMode: "coupled" });
    optimizer.apply([[1]], [w]);
    expect(w.value[0]).toBe(Number.POSITIVE_INFINITY);
    optimizer.weightDecayMode = "decoupled";
    optimizer.apply([[1]]);
    expect(w.value[0]).toBeNaN();
  });

  describe.each(Object.entries(PATHS))("maximize, %s", (_, options) => {
    it("has the bits of negated gradients, with decay of either kind", () => {
      for (const weightDecayMode of ["decoupled", "coupled"] as const) {
        const decay = { weightDecay: LAMBDA, weightDecayMode };
        const up = built({ ...options, ...decay, maximize: true });
        const down = built({ ...options, ...decay });
        for (let step = 0; step < STEPS; step++) {
          up.optimizer.apply(gradients(step));
          down.optimizer.apply(gradients(step).map((gradient) => gradient.map((g) => -g)));
          expect(stateWithoutConfig(up)).toEqual(stateWithoutConfig(down));
        }
      }
    });
  });

  it("maximize accumulates what is given, and negates the mean", () => {
    const w = new Variable([0], { runtime });
    const optimizer = new RMSprop({ learningRate: 0.5, maximize: true, gradientAccumulationSteps: 2, centered: true });
    optimizer.apply([[3]], [w]);
    expect(optimizer.slot("gradient_accumulator", w)![0]).toBe(3);
    optimizer.apply([[1]]);
    expect(optimizer.slot("average_gradient", w)![0]).toBe(f(-2 * f(1 - 0.9)));
    expect(w.value[0]).toBeGreaterThan(0);
  });

  it("maximize goes up under a dynamic loss scale too, and sets what is overwritten as given", () => {
    const w = new Variable([1], { runtime });
    const statistic = new Variable([1], { overwriteWithGradient: true, runtime });
    const optimizer = new LossScaleOptimizer(new RMSprop({ learningRate: 0.1, maximize: true }), { initialScale: 8 });
    optimizer.apply([[8], [5]], [w, statistic]);
    expect([w.value[0], statistic.value[0]]).toEqual([f(1.3162277), 5]);
  });

  it("the velocity begins at initialVelocity: in build, and in add", () => {
    const [w, late, statistic] = [9, 2, 1].map(
      (size, i) => new Variable(new Float32Array(size), { overwriteWithGradient: i === 2, runtime }),
    );
    const optimizer = new RMSprop({ initialVelocity: 1 });
    optimizer.build([w!, statistic!]);
    expect([...optimizer.slot("velocity", w!)!]).toEqual(new Array(9).fill(1));
    optimizer.apply([new Float32Array(9), [0]]);
    optimizer.add([late!]);
    expect(optimizer.slot("velocity", w!)![0]).toBe(f(0.9));
    expect([...optimizer.slot("velocity", late!)!]).toEqual([1, 1]);
    expect(optimizer.slot("velocity", statistic!)).toBe(null);
  });

  it("a checkpoint goes on with the same bits", () => {
    const options = { weightDecay: LAMBDA, weightDecayMode: "coupled", maximize: true, initialVelocity: 1 } as const;
    const [one, other] = [built(options), built(options)];
    for (let step = 0; step < 3; step++) one.optimizer.apply(gradients(step));
    load(save(one.optimizer), other.optimizer);
    for (let step = 3; step < STEPS; step++) {
      for (const { optimizer } of [one, other]) optimizer.apply(gradients(step));
    }
    expect(stateOf(other.optimizer, other.list)).toEqual(stateOf(one.optimizer, one.list));
    expect(RMSprop.fromConfig(one.optimizer.getConfig())).toMatchObject(options);
    expect(bits(one.list[0]!.value)).not.toEqual(bits(noise(1, 1000)));
  });
});
