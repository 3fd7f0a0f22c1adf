// Variables with a learning rate, a weight decay or a trainable flag of their own: the bits of separate optimizers.
import {
  LossScaleOptimizer,
  type OverrideSelection,
  RMSprop,
  type RMSpropOptions,
  Variable,
  type VariableOverrides,
} from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, Counting, errorOf, noise, onBothBackends, stateOf } from "./support.js";

const PATHS = ["encoder/kernel", "encoder/bias", "head/kernel", "head/bias"];
const ENCODER: OverrideSelection = { paths: [/^encoder\//] };

onBothBackends((runtime) => {
  const make = (length = 37) =>
    PATHS.map((path, i) => {
      const name = path.split("/")[1]!;
      return new Variable(noise(length + i, i + 1), { name, path, runtime });
    });
  const gradients = (step: number, length = 37) => PATHS.map((_, i) => noise(length + i, 100 * step + i));
  const slotsOf = (optimizer: RMSprop, variable: Variable) =>
    optimizer.variables.filter((state) => state.variable === variable).map(({ slot, value }) => [slot, bits(value)]);

  /** Trains all with `options` and the overrides, and each variable by an optimizer of its own; compares all bits. */
  function compare(
    options: RMSpropOptions,
    overrides: readonly (readonly [OverrideSelection, VariableOverrides])[],
    own: (path: string) => RMSpropOptions,
  ): void {
    for (const beforeBuild of [true, false]) {
      const [variables, separate] = [make(), make()];
      const optimizer = new RMSprop(options);
      if (!beforeBuild) optimizer.build(variables);
      for (const [which, given] of overrides) optimizer.override(which, given);
      const optimizers = PATHS.map((path) => new RMSprop({ ...options, ...own(path) }));
      for (let step = 0; step < 7; step++) {
        const given = gradients(step);
        optimizer.apply(given, variables);
        optimizers.forEach((each, i) => {
          each.apply([given[i]!], [separate[i]!]);
        });
      }
      PATHS.forEach((path, i) => {
        expect(bits(variables[i]!.value), path).toEqual(bits(separate[i]!.value));
        expect(slotsOf(optimizer, variables[i]!), path).toEqual(slotsOf(optimizers[i]!, separate[i]!));
      });
      for (const each of [optimizer, ...optimizers, ...variables, ...separate]) each.free();
    }
  }

  describe.each<RMSpropOptions>([
    {},
    { momentum: 0.9, centered: true },
    { momentum: 0.9, momentumMode: "torch", epsilonMode: "outside", weightDecay: 0.1 },
    { weightDecay: 0.01, useEma: true, emaOverwriteFrequency: 3, clipnorm: 0.5 },
    { gradientAccumulationSteps: 2, lossScaleFactor: 8, weightDecay: 0.05 },
  ])("%o", (options) => {
    const learningRate = 0.013;

    it("steps and decays with float32(η · multiplier)", () => {
      for (const multiplier of [0.1, 3, 0, -1, 1e-42]) {
        compare({ ...options, learningRate }, [[ENCODER, { learningRateMultiplier: multiplier }]], (path) => ({
          learningRate: path.startsWith("encoder") ? Math.fround(learningRate) * multiplier : learningRate,
        }));
      }
    });

    it("decays with a weight decay of its own, or not at all", () => {
      for (const weightDecay of [0.3, 0, false] as const) {
        compare({ ...options, learningRate }, [[{ names: ["bias"] }, { weightDecay }]], (path) => {
          return path.endsWith("bias") ? { weightDecay: weightDecay === false ? null : weightDecay } : {};
        });
      }
    });
  });

  it("takes a schedule's rate times the multiplier", () => {
    const at = (step: number) => 0.1 / (step + 1);
    const [variables, separate] = [make(), make()];
    const optimizer = new RMSprop({ learningRate: { at } });
    optimizer.override(ENCODER, { learningRateMultiplier: 0.3 });
    const slow = new RMSprop({ learningRate: (step) => Math.fround(at(step)) * 0.3 });
    for (let step = 0; step < 3; step++) {
      optimizer.apply(gradients(step), variables);
      slow.apply(gradients(step).slice(0, 2), separate.slice(0, 2));
    }
    expect(bits(variables[1]!.value)).toEqual(bits(separate[1]!.value));
    expect(optimizer.learningRate).toBe(Math.fround(at(3)));
  });

  it("keeps the global norm, the loss scale and the counters common", () => {
    const variables = make();
    const optimizer = new LossScaleOptimizer(new RMSprop({ globalClipnorm: 0.1, learningRate: 0.5 }), {
      initialScale: 4,
    });
    optimizer.override(ENCODER, { learningRateMultiplier: 0.5 });
    optimizer.apply(gradients(1), variables);
    const [all, plain] = [
      make(),
      new LossScaleOptimizer(new RMSprop({ globalClipnorm: 0.1, learningRate: 0.5 }), { initialScale: 4 }),
    ];
    plain.apply(gradients(1), all);
    variables.forEach((variable, i) => {
      expect(bits(optimizer.slot("velocity", variable)!)).toEqual(bits(plain.slot("velocity", all[i]!)!));
    });
    expect(bits(variables[2]!.value)).toEqual(bits(all[2]!.value));
    expect(bits(variables[0]!.value)).not.toEqual(bits(all[0]!.value));
    expect(optimizer.iterations).toBe(1);
    // They are those of the inner optimizer.
    expect(optimizer.innerOptimizer.overridesOf(variables[0]!).learningRateMultiplier).toBe(0.5);
  });

  describe("trainable: false", () => {
    it("leaves values and state as they are, but for the average, which goes on as without a gradient", () => {
      const options: RMSpropOptions = {
        momentum: 0.9,
        centered: true,
        weightDecay: 0.1,
        useEma: true,
        emaMomentum: 0.5,
        emaOverwriteFrequency: 2,
        gradientAccumulationSteps: 2,
      };
      const [variables, others] = [make(), make()];
      const [optimizer, reference] = [new RMSprop(options), new RMSprop({ ...options, emaOverwriteFrequency: null })];
      for (let step = 0; step < 5; step++) {
        optimizer.apply(gradients(step), variables);
        reference.apply(gradients(step), others);
      }
      others.forEach((other, i) => {
        other.assign(variables[i]!.value);
      });
      reference.setWeights(optimizer.getWeights());
      optimizer.override(ENCODER, { trainable: false });
      // The average goes on; what was accumulated is dropped by the next update, as without a gradient.
      const UPDATED = new Set<unknown>(["average", "gradient_accumulator"]);
      const without = () =>
        variables.slice(0, 2).map((v) => [bits(v.value), slotsOf(optimizer, v).filter(([slot]) => !UPDATED.has(slot))]);
      const before = without();
      for (let step = 5; step < 12; step++) {
        optimizer.apply(gradients(step), variables);
        reference.apply(
          gradients(step).map((gradient, i) => (i < 2 ? null : gradient)),
          others,
        );
        expect(without()).toEqual(before);
        for (const i of [0, 1])
          expect(bits(optimizer.slot("average", variables[i]!)!)).toEqual(bits(reference.slot("average", others[i]!)!));
      }
      expect(optimizer.rawIterations).toBe(12);
      optimizer.finalizeVariableValues();
      expect(bits(variables[0]!.value)).toEqual(bits(optimizer.slot("average", variables[0]!)!));
    });

    it("keeps the gradient out of the global norm and of what a loss scale looks at", () => {
      const [variables, trained] = [make(), make()];
      const options = { globalClipnorm: 0.1 };
      const optimizer = new LossScaleOptimizer(new RMSprop(options));
      optimizer.override(ENCODER, { trainable: false });
      const reference = new LossScaleOptimizer(new RMSprop(options));
      for (let step = 0; step < 3; step++) {
        const given = gradients(step).map((gradient) => gradient.map((g) => g * 2 ** 15));
        given[0]!.fill(Number.NaN);
        optimizer.apply(given, variables);
        reference.apply(given.slice(2), trained.slice(2));
      }
      expect(optimizer.iterations).toBe(3);
      for (const i of [2, 3]) expect(bits(variables[i]!.value)).toEqual(bits(trained[i]!.value));
      // Trained again, its gradient counts again.
      optimizer.override(ENCODER, { trainable: null });
      variables[0]!.gradient.fill(Number.NaN);
      optimizer.step();
      expect(optimizer.iterations).toBe(3);
    });

    it("keeps what was accumulated until the next update, and drops it then", () => {
      const [variables, others] = [make(), make()];
      const optimizer = new RMSprop({ gradientAccumulationSteps: 3 });
      const reference = new RMSprop({ gradientAccumulationSteps: 3 });
      const accumulated = () => bits(optimizer.slot("gradient_accumulator", variables[0]!)!);
      optimizer.build(variables);
      // Call by call: whether the encoder is frozen. Keras does the same with variables that have no gradient.
      [false, true, false, false, true, true, true, false, true, false, false, false].forEach((frozen, step) => {
        optimizer.override(ENCODER, { trainable: frozen ? false : null });
        const [before, given] = [accumulated(), gradients(step)];
        optimizer.apply(given, variables);
        reference.apply(
          given.map((gradient, i) => (frozen && i < 2 ? null : gradient)),
          others,
        );
        if (frozen) expect(accumulated()).toEqual(step % 3 === 2 ? before.map(() => "00000000") : before);
        expect(variables.map(({ value }) => bits(value))).toEqual(others.map(({ value }) => bits(value)));
      });
    });

    it("drops at an update what a frozen variable had accumulated, also around add, setters and a checkpoint", () => {
      const begin = () => {
        const [w, other] = [new Variable([1], { name: "w", runtime }), new Variable([1], { name: "other", runtime })];
        const optimizer = new RMSprop({ gradientAccumulationSteps: 2 });
        optimizer.build([w]);
        for (let i = 0; i < 3; i++) optimizer.apply([[1]], [w]);
        return { optimizer, w, other, sum: () => optimizer.slot("gradient_accumulator", w)![0] };
      };
      const added = begin();
      added.optimizer.override({ names: ["w"] }, { trainable: false });
      added.optimizer.add([added.other]);
      added.optimizer.override({ names: ["w"] }, { trainable: null });
      expect(added.sum()).toBe(1);

      const updated = begin();
      updated.optimizer.override({ names: ["w"] }, { trainable: false });
      updated.optimizer.apply([[5]]);
      expect(updated.sum()).toBe(0);
      updated.optimizer.gradientAccumulationSteps = 4;
      updated.optimizer.override({ names: ["w"] }, { trainable: null });
      expect(updated.sum()).toBe(0);
    });

    it("spares the variable its constraint and its overwriting with the gradient", () => {
      const clipped = new Variable([-1], { name: "clipped", runtime, constraint: (value) => void value.fill(7) });
      const copied = new Variable([1], { name: "copied", runtime, overwriteWithGradient: true });
      const optimizer = new RMSprop();
      optimizer.override({ names: ["clipped", "copied"] }, { trainable: false });
      optimizer.apply([[1], [5]], [clipped, copied]);
      expect([clipped.value[0], copied.value[0], optimizer.iterations]).toEqual([-1, 1, 1]);
      optimizer.override({ variables: [clipped, copied] }, { trainable: null });
      optimizer.apply([[1], [5]]);
      expect([clipped.value[0], copied.value[0]]).toEqual([7, 5]);
    });

    it("counts calls also if all are frozen", () => {
      const variables = make();
      const optimizer = new RMSprop({ useEma: true });
      optimizer.override({ variables }, { trainable: false });
      optimizer.apply(gradients(1), variables);
      optimizer.apply([gradients(1)[0]!], [variables[0]!]);
      expect(optimizer.iterations).toBe(2);
      for (const variable of variables)
        expect(bits(optimizer.slot("average", variable)!)).toEqual(bits(variable.value));
    });
  });

  describe("which and when", () => {
    const frozen = (optimizer: RMSprop, variables: readonly Variable[]) =>
      variables.filter((variable) => !optimizer.overridesOf(variable).trainable).map(({ path }) => path);

    it("selects by variables, names and paths, together", () => {
      const variables = make();
      const optimizer = new RMSprop();
      optimizer.build(variables);
      const select = (which: OverrideSelection) => {
        optimizer.override({ variables }, { trainable: null });
        optimizer.override(which, { trainable: false });
        return frozen(optimizer, variables);
      };
      expect(select({ variables: [variables[1]!] })).toEqual(["encoder/bias"]);
      expect(select({ names: ["kernel"] })).toEqual(["encoder/kernel", "head/kernel"]);
      expect(select({ paths: ["^head", /encoder\/b/] })).toEqual(["encoder/bias", "head/kernel", "head/bias"]);
      expect(select({ names: ["bias"], variables: [variables[0]!] })).toEqual([
        "encoder/kernel",
        "encoder/bias",
        "head/bias",
      ]);
      expect(select({ variables: [], optional: true })).toEqual([]);
      expect(() => select({ names: [] })).toThrow(/^Argument `which` selects nothing: /);
    });

    it("lets later calls win, option by option; null takes an option back", () => {
      const variables = make();
      const optimizer = new RMSprop();
      optimizer.override({ variables }, { learningRateMultiplier: 0.1, weightDecay: 0.2 });
      optimizer.override(ENCODER, { learningRateMultiplier: 0.5, trainable: false });
      optimizer.override({ names: ["bias"] }, { weightDecay: false });
      optimizer.override({ paths: ["encoder/bias"] }, { learningRateMultiplier: null });
      const all = [
        { learningRateMultiplier: 0.5, weightDecay: 0.2, trainable: false },
        { learningRateMultiplier: 1, weightDecay: false, trainable: false },
        { learningRateMultiplier: 0.1, weightDecay: 0.2, trainable: true },
        { learningRateMultiplier: 0.1, weightDecay: false, trainable: true },
      ];
      expect(variables.map((variable) => optimizer.overridesOf(variable))).toEqual(all);
      optimizer.build(variables);
      expect(variables.map((variable) => optimizer.overridesOf(variable))).toEqual(all);
      optimizer.override({ variables }, { learningRateMultiplier: null, weightDecay: null, trainable: null });
      const none = { learningRateMultiplier: 1, weightDecay: null, trainable: true };
      expect(variables.map((variable) => optimizer.overridesOf(variable))).toEqual(PATHS.map(() => none));
    });

    it("goes before exclusion from weight decay", () => {
      const variables = make();
      const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
      optimizer.override({ paths: ["head/bias"] }, { weightDecay: 0.5 });
      optimizer.build(variables);
      optimizer.excludeFromWeightDecay({ names: ["bias"] });
      const before = variables.map(({ value }) => value[0]);
      optimizer.step();
      expect(variables.map(({ value }, i) => value[0] !== before[i])).toEqual([true, false, true, true]);
    });

    it("is about variables that are added later too, and forgets nothing when others are removed", () => {
      const variables = make();
      const optimizer = new RMSprop();
      optimizer.override({ paths: [/^head/], names: ["kernel"], optional: true }, { trainable: false });
      optimizer.build(variables.slice(0, 2));
      optimizer.add(variables.slice(2));
      expect(frozen(optimizer, variables)).toEqual(["encoder/kernel", "head/kernel", "head/bias"]);
      optimizer.remove([variables[2]!]);
      const before = bits(variables[3]!.value);
      optimizer.apply([gradients(1)[0]!, gradients(1)[1]!, gradients(1)[3]!]);
      expect(bits(variables[3]!.value)).toEqual(before);
      expect(bits(variables[1]!.value)).not.toEqual(bits(make()[1]!.value));
    });

    it("does not pile up in a loop", () => {
      const [variables, pattern] = [make(), new Counting("bias")];
      const which = { names: [pattern] };
      const optimizer = new RMSprop();
      optimizer.override(which, { trainable: false });
      for (let step = 0; step < 100; step++) {
        optimizer.override(which, { learningRateMultiplier: step });
        optimizer.override({ paths: ["kernel"] }, { learningRateMultiplier: step });
      }
      expect(pattern.searches).toBe(0);
      optimizer.build(variables);
      // Once for the check, and for each variable once for each option.
      expect(pattern.searches).toBeLessThan(20);
      expect(optimizer.overridesOf(variables[1]!)).toMatchObject({ learningRateMultiplier: 99, trainable: false });
    });
  });

  it("refuses a step whose learning rate a multiplier makes infinite", () => {
    for (const step of [(o: RMSprop) => o.step(), (o: RMSprop) => o.apply(gradients(1))]) {
      const variables = make();
      const optimizer = new RMSprop({ learningRate: 1 });
      optimizer.override(ENCODER, { learningRateMultiplier: 1e39 });
      optimizer.build(variables);
      const before = stateOf(optimizer, variables);
      expect(() => step(optimizer)).toThrow(
        /^The learning rate of variable "encoder\/kernel" must be finite in float32; received 1 \* 1e\+39\.$/,
      );
      expect(stateOf(optimizer, variables)).toEqual(before);
      optimizer.override(ENCODER, { learningRateMultiplier: 1 });
      step(optimizer);
      expect(optimizer.iterations).toBe(1);
    }
  });

  it("forgets what was said of a variable that is removed, but not of its name", () => {
    const variables = make();
    const optimizer = new RMSprop();
    optimizer.build(variables);
    optimizer.override({ variables }, { trainable: false });
    optimizer.override({ names: ["kernel"] }, { weightDecay: 0.5 });
    optimizer.remove([variables[0]!]);
    optimizer.add([variables[0]!]);
    expect(optimizer.overridesOf(variables[0]!)).toMatchObject({ trainable: true, weightDecay: 0.5 });
    expect(optimizer.overridesOf(variables[1]!)).toMatchObject({ trainable: false });
  });

  describe("what matches nothing", () => {
    it("is an error in build, which leaves the optimizer as it was; also in the first step", () => {
      const variables = make();
      const stranger = new Variable(1, { name: "stranger", runtime });
      for (const [which, message] of [
        [{ names: ["gamma"] }, /`names\[0\]` \(\/gamma\/\) matches no variable's name: "kernel", "bias"/],
        [{ names: ["bias"], paths: ["head", /^decoder/] }, /`paths\[1\]` \(\/\^decoder\/\) matches no variable's path/],
        [
          { variables: [stranger] },
          /Argument `variables\[0\]` \("stranger"\) is not one of this optimizer's variables; if that is meant/,
        ],
      ] as const) {
        const optimizer = new RMSprop();
        optimizer.override(which, { trainable: false });
        for (const action of [() => optimizer.build(variables), () => optimizer.apply(gradients(1), variables)]) {
          const error = errorOf(action);
          expect(error).toBeInstanceOf(RangeError);
          expect(error.message).toMatch(message);
          expect(optimizer.built).toBe(false);
        }
        optimizer.override(which, { trainable: null });
        optimizer.override({ ...which, optional: true }, { trainable: null });
        optimizer.build(variables);
        expect(optimizer.built).toBe(true);
      }
    });

    it("is an error at once if the optimizer is built, unless it is optional", () => {
      const variables = make();
      const optimizer = new RMSprop();
      optimizer.build(variables);
      const before = stateOf(optimizer, variables);
      expect(() => optimizer.override({ names: ["gamma"] }, { trainable: false })).toThrow(RangeError);
      expect(() => optimizer.override({ names: ["kernel", "gamma"] }, { trainable: false })).toThrow(/gamma/);
      expect(stateOf(optimizer, variables)).toEqual(before);
      expect(optimizer.overridesOf(variables[0]!).trainable).toBe(true);
      optimizer.override({ names: ["kernel", "gamma"], optional: true }, { trainable: false });
      expect(optimizer.overridesOf(variables[0]!).trainable).toBe(false);
    });
  });

  it("changes nothing if a user's regular expression throws", () => {
    class Throwing extends RegExp {
      override [Symbol.search](): number {
        throw new Error("on purpose");
      }
    }
    const variables = make();
    const optimizer = new RMSprop({ learningRate: 0.1 });
    optimizer.override({ names: ["bias"] }, { learningRateMultiplier: 2 });
    optimizer.build(variables);
    expect(() => optimizer.override({ names: [new Throwing("x")] }, { learningRateMultiplier: 9 })).toThrow(
      "on purpose",
    );
    expect(variables.map((variable) => optimizer.overridesOf(variable).learningRateMultiplier)).toEqual([1, 2, 1, 2]);
  });

  it("leaves Keras' configuration alone", () => {
    const optimizer = new RMSprop({ name: "r" });
    optimizer.override({ names: ["x"] }, { trainable: false });
    expect(optimizer.getConfig()).toEqual(new RMSprop({ name: "r" }).getConfig());
  });
});
