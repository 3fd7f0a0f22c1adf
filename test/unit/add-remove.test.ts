// Variables that come and go: the state of those that stay keeps its bits, and a failed call changes nothing.
import {
  type AnyVariable,
  createRuntime,
  LossScaleOptimizer,
  type Optimizer,
  OutOfMemoryError,
  RMSprop,
  type RMSpropOptions,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";
import { SLOTS } from "../../ts/generated/codes.js";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

const CONFIGURATIONS: RMSpropOptions[] = [
  {},
  { momentum: 0.9, centered: true, weightDecay: 0.01, clipnorm: 0.5 },
  { useEma: true, emaOverwriteFrequency: 4, momentum: 0.5 },
  { gradientAccumulationSteps: 3, useEma: true, learningRate: (step) => 0.1 / (step + 1) },
];

/** The bits of all that is kept for these variables. */
function kept(optimizer: Optimizer, variables: readonly AnyVariable[]) {
  return variables.map((variable) =>
    SLOTS.map((slot) => {
      const values = optimizer.slot(slot, variable);
      return [slot, values && bits(values)];
    }),
  );
}

onBothBackends((runtime) => {
  const make = (seed: number, length = 11) => new Variable(noise(length, seed), { path: `v${seed}`, runtime });
  const step = (optimizer: Optimizer, variables: readonly AnyVariable[], t: number) => {
    for (const variable of variables) variable.gradient.set(noise(variable.size, t * 10 + variable.size));
    optimizer.step();
  };

  describe.each(CONFIGURATIONS)("%o", (options) => {
    it.each([false, true])("leaves the others' bits as they are, at any moment; with loss scale: %s", (scaled) => {
      const optimizerOf = () => {
        const inner = new RMSprop({ ...options, name: "inner" });
        return scaled ? new LossScaleOptimizer(inner, { dynamicGrowthSteps: 2, name: "outer" }) : inner;
      };
      for (let moment = 0; moment < 6; moment++) {
        const [changing, constant] = [optimizerOf(), optimizerOf()];
        const [stays, same] = [
          [make(1), make(2, 500)],
          [make(1), make(2, 500)],
        ];
        const [goes, comes] = [make(3, 7), make(4, 9)];
        changing.build([goes, ...stays]);
        constant.build(same);
        let t = 0;
        const both = (others: readonly Variable[]) => {
          step(changing, [...stays, ...others], t);
          step(constant, same, t++);
          expect(kept(changing, stays)).toEqual(kept(constant, same));
          expect(stays.map(({ value }) => bits(value))).toEqual(same.map(({ value }) => bits(value)));
        };
        while (t < moment) both([goes]);
        changing.add([comes]);
        expect(changing.trainableVariables).toEqual([goes, ...stays, comes]);
        expect(kept(changing, stays)).toEqual(kept(constant, same));
        for (const slot of SLOTS) {
          const values = changing.slot(slot, comes);
          if (values) expect(bits(values)).toEqual(bits(slot === "average" ? comes.value : new Float32Array(9)));
        }
        both([goes, comes]);
        changing.remove([goes]);
        expect(changing.trainableVariables).toEqual([...stays, comes]);
        const before = kept(changing, [comes]);
        for (let i = 0; i < 4; i++) both([comes]);
        expect(kept(changing, [comes])).not.toEqual(before);
        expect(() => changing.slot("velocity", goes)).toThrow(/is not one of this optimizer's/);
        expect([changing.rawIterations, changing.iterations]).toEqual([constant.rawIterations, constant.iterations]);
        if (changing instanceof LossScaleOptimizer && constant instanceof LossScaleOptimizer) {
          expect([changing.dynamicScale, changing.stepCounter]).toEqual([constant.dynamicScale, constant.stepCounter]);
        }
      }
    });
  });

  it("trains a new variable as an optimizer of its own", () => {
    const [first, second, alone] = [make(1), make(2), make(2)];
    const optimizer = new RMSprop({ momentum: 0.9, centered: true });
    const reference = new RMSprop({ momentum: 0.9, centered: true });
    optimizer.build([first]);
    for (let t = 0; t < 3; t++) step(optimizer, [first], t);
    optimizer.add([second]);
    reference.build([alone]);
    for (let t = 3; t < 9; t++) {
      step(optimizer, [first, second], t);
      step(reference, [alone], t);
    }
    expect(bits(second.value)).toEqual(bits(alone.value));
  });

  it("builds an optimizer that is not built, and does nothing with an empty list", () => {
    const w = make(1);
    const optimizer = new RMSprop({ useEma: true });
    optimizer.add([w]);
    expect(optimizer.trainableVariables).toEqual([w]);
    const before = stateOf(optimizer, [w]);
    const velocity = optimizer.slot("velocity", w);
    optimizer.add([]);
    optimizer.remove([]);
    expect(stateOf(optimizer, [w])).toEqual(before);
    expect(optimizer.slot("velocity", w)).toBe(velocity);
  });

  it("all variables can go, and others come, in the same runtime and at the same count", () => {
    const [a, b] = [make(1), make(2)];
    const optimizer = new LossScaleOptimizer(new RMSprop(), { initialScale: 2, dynamicGrowthSteps: 1 });
    optimizer.build([a]);
    step(optimizer, [a], 0);
    optimizer.remove([a]);
    expect([optimizer.trainableVariables, optimizer.dynamicScale, optimizer.rawIterations]).toEqual([[], 4, 1]);
    optimizer.add([b]);
    step(optimizer, [b], 1);
    expect([optimizer.dynamicScale, optimizer.rawIterations]).toEqual([8, 2]);
  });

  it("a freed variable can be removed, and then the others step again", () => {
    const [a, b] = [make(1), make(2)];
    const optimizer = new RMSprop({ name: "o" });
    optimizer.build([a, b]);
    a.free();
    expect(() => optimizer.step()).toThrow(/"v1" was freed/);
    expect(() => optimizer.remove([b])).toThrow(/"v1" was freed/);
    expect(() => optimizer.add([make(3)])).toThrow(/"v1" was freed/);
    optimizer.remove([a]);
    step(optimizer, [b], 0);
    expect(optimizer.iterations).toBe(1);
  });

  it("keeps state of what is switched off meanwhile", () => {
    const [a, b] = [make(1), make(2)];
    const optimizer = new RMSprop({ momentum: 0.9, useEma: true });
    optimizer.build([a]);
    step(optimizer, [a], 0);
    const before = kept(optimizer, [a]);
    optimizer.momentum = 0;
    optimizer.useEma = false;
    optimizer.add([b]);
    expect(kept(optimizer, [a])).toEqual(before);
    const untouched = [optimizer.slot("momentum", a), optimizer.slot("average", a)].map((values) => bits(values!));
    step(optimizer, [a, b], 1);
    const after = [optimizer.slot("momentum", a), optimizer.slot("average", a)].map((values) => bits(values!));
    expect(after).toEqual(untouched);
    optimizer.momentum = 0.9;
    step(optimizer, [a, b], 2);
    expect(kept(optimizer, [a])).not.toEqual(before);
  });

  it("new variables are excluded from weight decay as those before", () => {
    const [a, b] = [make(1), new Variable([1], { name: "late_bias", runtime })];
    const optimizer = new RMSprop({ weightDecay: 0.5, learningRate: 0.5 });
    optimizer.excludeFromWeightDecay({ names: ["bias"] });
    optimizer.build([a]);
    optimizer.add([b]);
    optimizer.step();
    expect(b.value[0]).toBe(1);
    expect(bits(a.value)).not.toEqual(bits(noise(11, 1)));
  });

  it("entries of `variables` taken before go on, or say that their variable is gone", () => {
    const [a, b] = [make(1), make(2)];
    const optimizer = new RMSprop();
    optimizer.build([a, b]);
    step(optimizer, [a, b], 0);
    const [iteration, , ofA, ofB] = optimizer.variables;
    optimizer.remove([a]);
    expect(bits(ofB!.value as Float32Array)).toEqual(bits(optimizer.slot("velocity", b)!));
    expect(errorOf(() => ofA!.value)).toBeInstanceOf(StateError);
    (iteration as unknown as { assign(values: number[]): void }).assign([7]);
    expect([optimizer.rawIterations, iteration!.value[0]]).toEqual([7, 7]);
  });

  it("checkpoints are those of an optimizer built with what is there now", () => {
    const [a, b, c] = [make(1), make(2), make(3)];
    const optimizer = new RMSprop({ momentum: 0.9, name: "same" });
    optimizer.build([a, b]);
    step(optimizer, [a, b], 0);
    optimizer.remove([a]);
    optimizer.add([c]);
    const [again, other] = [make(2), make(3)];
    const resumed = new RMSprop({ momentum: 0.9, name: "same" });
    resumed.build([again, other]);
    load(save(optimizer), resumed);
    step(optimizer, [b, c], 1);
    step(resumed, [again, other], 1);
    expect(stateOf(resumed, [again, other])).toEqual(stateOf(optimizer, [b, c]));
  });

  it("a call that fails changes nothing", () => {
    const [a, b, freed, c] = [make(1), make(2), make(3), make(4)];
    freed.free();
    const elsewhere = new Variable(1, { runtime: createRuntime({ backend: "js" }) });
    for (const optimizer of [new RMSprop({ useEma: true }), new LossScaleOptimizer(new RMSprop({ momentum: 0.5 }))]) {
      expect(errorOf(() => optimizer.remove([a])).message).toMatch(/is not built/);
      optimizer.build([a, b]);
      step(optimizer, [a, b], 0);
      const before = stateOf(optimizer, [a, b]);
      const velocity = optimizer.slot("velocity", a);
      for (const [action, type, text] of [
        [() => optimizer.add(c as never), TypeError, /`variables` must be an array of variables \(put it in an array/],
        [
          () => optimizer.remove(a as never),
          TypeError,
          /`variables` must be an array of variables \(put it in an array/,
        ],
        [() => optimizer.add([c, {} as never]), TypeError, /`variables\[1\]` must be a Variable/],
        [() => optimizer.add([c, c]), RangeError, /lists variable "v4" twice/],
        [() => optimizer.remove([a, a]), RangeError, /lists variable "v1" twice/],
        [() => optimizer.add([c, a]), StateError, /"v1" is one of this optimizer's already/],
        [() => optimizer.remove([a, c]), StateError, /"v4" is not one of this optimizer's/],
        [() => optimizer.add([c, freed]), StateError, /"v3" was freed/],
        [() => optimizer.add([elsewhere]), RangeError, /must be of the optimizer's runtime; "\w+" belongs to another/],
        [() => optimizer.add([c, elsewhere]), RangeError, /must be of one runtime/],
      ] as const) {
        const error = errorOf(action);
        expect(error).toBeInstanceOf(type);
        expect(error.message).toMatch(text);
        expect(stateOf(optimizer, [a, b])).toEqual(before);
        expect(optimizer.slot("velocity", a)).toBe(velocity);
      }
      optimizer.free();
      expect(errorOf(() => optimizer.add([c])).message).toMatch(/was freed/);
      expect(errorOf(() => optimizer.remove([a])).message).toMatch(/was freed/);
    }
  });

  it("is not possible in the middle of a step", () => {
    const w: Variable = new Variable([1], { constraint: () => optimizer.remove([w]), runtime });
    const optimizer = new RMSprop();
    optimizer.build([w]);
    expect(() => optimizer.step()).toThrow(/not possible inside a constraint/);
    expect([optimizer.iterations, w.value[0], optimizer.trainableVariables]).toEqual([0, 1, [w]]);
  });

  it("in the loss of minimize counts for the step after it", () => {
    const [a, b] = [make(1), make(2)];
    const optimizer = new RMSprop();
    optimizer.build([a]);
    const values = bits(b.value);
    optimizer.minimize(() => {
      optimizer.add([b]);
      for (const { gradient } of [a, b]) gradient.fill(1);
      return 0;
    }, a);
    expect(bits(b.value)).toEqual(values);
    optimizer.step();
    expect(bits(b.value)).not.toEqual(values);
  });

  it("without room is an OutOfMemoryError that changes nothing; coming and going needs no more and no more", () => {
    const own = createRuntime({ backend: runtime.backend, maximumBytes: 4 * 2 ** 20 });
    const [small, large] = [10, 150_000].map((n) => new Variable(noise(n), { runtime: own })) as [Variable, Variable];
    const optimizer = new RMSprop({ momentum: 0.9, centered: true, useEma: true, gradientAccumulationSteps: 2 });
    optimizer.build([small]);
    step(optimizer, [small], 0);
    const before = stateOf(optimizer, [small, large]);
    expect(errorOf(() => optimizer.add([large]))).toBeInstanceOf(OutOfMemoryError);
    expect(stateOf(optimizer, [small, large])).toEqual(before);
    const { byteLength } = own;
    const comes = new Variable(noise(10_000), { runtime: own });
    for (let i = 0; i < 200; i++) {
      optimizer.add([comes]);
      optimizer.remove([comes]);
    }
    expect(stateOf(optimizer, [small, large])).toEqual(before);
    expect(own.byteLength).toBeLessThanOrEqual(byteLength + 10 * 40_000);
  });
});
