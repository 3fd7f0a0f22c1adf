// Gradients of 16 bits: what their bits mean, what is accepted, and that everything else treats them as gradients.
import {
  type AnyVariable,
  createRuntime,
  LossScaleOptimizer,
  nonNeg,
  OutOfMemoryError,
  RMSprop,
  Variable,
} from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";
import { Float16, narrow, widen } from "../half.js";
import { bits, errorOf, noise, onBothBackends, stateOf } from "./support.js";

const DTYPES = ["float16", "bfloat16"] as const;

onBothBackends((runtime) => {
  describe.each(DTYPES)("%s", (gradientDtype) => {
    const make = (values: Float32Array) => new Variable(values, { gradientDtype, runtime, name: "w", path: "w" });

    it("every pattern of bits is widened to its number", () => {
      const patterns = Uint16Array.from({ length: 65_536 }, (_, i) => i);
      const w = new Variable(new Float32Array(65_536), { gradientDtype, runtime, overwriteWithGradient: true });
      new RMSprop().apply([patterns], [w]);
      for (const [i, x] of w.value.entries()) {
        const number = widen(gradientDtype, i);
        if (!Object.is(x, number)) expect([i, x]).toEqual([i, number]);
      }
      w.free();
    });

    it("the gradient is a view on their bits, which a step reads and leaves", () => {
      const w = make(noise(100));
      expect(w.gradientDtype).toBe(gradientDtype);
      expect(w.gradient).toBeInstanceOf(Uint16Array);
      expect([w.gradient.length, w.gradient.byteOffset % 16, w.gradient.buffer]).toEqual([100, 0, w.value.buffer]);
      expect(w.gradient.every((x) => x === 0)).toBe(true);
      const optimizer = new RMSprop({ momentum: 0.5 });
      optimizer.build([w]);
      const halves = noise(100, 3).map((x) => narrow(gradientDtype, x));
      const { gradient } = w;
      gradient.set(halves);
      optimizer.step();
      expect(w.gradient).toBe(gradient);
      expect([...gradient]).toEqual([...halves]);
      expect(bits(w.value)).not.toEqual(bits(noise(100)));
      optimizer.zeroGradients();
      expect(gradient.every((x) => x === 0)).toBe(true);
    });

    it("minimize and applyGradients take them, and null", () => {
      const [a, b] = [make(noise(3)), make(noise(70))];
      const twins = [noise(3), noise(70)].map((values) => new Variable(values, { runtime }));
      const [half, full] = [new RMSprop({ clipnorm: 0.5 }), new RMSprop({ clipnorm: 0.5 })];
      const halves = Uint16Array.from(noise(70, 5), (x) => narrow(gradientDtype, x));
      const widened = Float32Array.from(halves, (x) => widen(gradientDtype, x));
      half.minimize(
        ({ variables }) => {
          for (const { gradient, size } of variables) gradient.set(halves.subarray(0, size));
          return 0;
        },
        [a, b],
      );
      full.apply([widened.subarray(0, 3), widened], twins);
      half.applyGradients([
        [null, a],
        [halves, b],
      ]);
      full.apply([null, widened], twins);
      expect([bits(a.value), bits(b.value)]).toEqual(twins.map(({ value }) => bits(value)));
    });

    it("a gradient may lie in the runtime's own memory, also in another variable's gradient", () => {
      const [a, b] = [make(noise(5)), make(noise(5))];
      const halves = Uint16Array.from(noise(5, 2), (x) => narrow(gradientDtype, x));
      const optimizer = new RMSprop();
      optimizer.build([a, b]);
      a.gradient.set(halves);
      optimizer.apply([b.gradient, a.gradient]);
      expect([...a.gradient]).toEqual([0, 0, 0, 0, 0]);
      expect([...b.gradient]).toEqual([...halves]);
    });

    it("other arrays are refused, and nothing changes", () => {
      const w = make(noise(3));
      const optimizer = new RMSprop();
      optimizer.apply([new Uint16Array(3).fill(0x3c00)], [w]);
      const before = stateOf(optimizer, [w]);
      const accepted = gradientDtype === "float16" ? "a Float16Array or a Uint16Array" : "a Uint16Array";
      for (const [gradient, shown] of [
        [new Float32Array(3), "a Float32Array of 3"],
        [new Int16Array(3), "a Int16Array of 3"],
        [[1, 2, 3], "an array of 3"],
        [1, "1"],
        [undefined, "undefined"],
        ...(gradientDtype === "bfloat16" ? [[new Float16(new ArrayBuffer(6)), "a Float16Array of 3"] as const] : []),
      ] as const) {
        const error = errorOf(() => optimizer.apply([gradient as never]));
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toBe(
          `Argument \`gradients[0]\` must be ${accepted} with the bits of ${gradientDtype} numbers; received ${shown}.`,
        );
      }
      expect(errorOf(() => (w.gradient = [1, 2, 3] as never)).message).toMatch(/`gradient` must be .*Uint16Array/);
      w.gradient = w.gradient.slice();
      const short = errorOf(() => optimizer.apply([new Uint16Array(2)]));
      expect(short).toBeInstanceOf(RangeError);
      expect(short.message).toMatch(
        /must be an array of 3 numbers, the size of variable "w"; received a Uint16Array of 2/,
      );
      const detached = new Uint16Array(3);
      structuredClone(detached, { transfer: [detached.buffer] });
      expect(errorOf(() => optimizer.apply([detached]))).toBeInstanceOf(TypeError);
      expect(errorOf(() => optimizer.apply([new Uint16Array(new SharedArrayBuffer(6))]))).toBeInstanceOf(TypeError);
      expect(stateOf(optimizer, [w])).toEqual(before);
    });

    it("a step under a loss scale is skipped for the smallest infinity and for every NaN, but not for the largest number", () => {
      const infinity = gradientDtype === "float16" ? 0x7c00 : 0x7f80;
      for (const options of [{}, { globalClipnorm: 1 }]) {
        const w = make(noise(70));
        const optimizer = new LossScaleOptimizer(new RMSprop(options), { initialScale: 8 });
        optimizer.build([w]);
        for (const [pattern, taken] of [
          [infinity - 1, 1],
          [infinity, 0],
          [infinity + 1, 0],
          [0x8000 | infinity, 0],
          [0xffff, 0],
          [0x0001, 1],
        ] as const) {
          const before = optimizer.iterations;
          w.gradient.fill(0);
          w.gradient[65] = pattern;
          optimizer.step();
          expect([pattern, optimizer.iterations - before]).toEqual([pattern, taken]);
        }
      }
    });

    it("a constraint that throws takes the gradient back too", () => {
      let angry = false;
      const constraint = () => {
        if (angry) throw new Error("angry");
      };
      const w = new Variable(noise(5), { gradientDtype, runtime, constraint });
      const v = new Variable(noise(5), { gradientDtype, runtime, constraint: nonNeg });
      const optimizer = new RMSprop({ momentum: 0.5 });
      const gradient = (seed: number) => Uint16Array.from(noise(5, seed), (x) => narrow(gradientDtype, x));
      optimizer.apply([gradient(1), gradient(2)], [w, v]);
      expect(v.value.every((x) => x >= 0)).toBe(true);
      const before = stateOf(optimizer, [w, v]);
      angry = true;
      expect(errorOf(() => optimizer.apply([gradient(3), new Uint16Array(5).fill(0xffff)])).message).toBe("angry");
      expect(stateOf(optimizer, [w, v])).toEqual(before);
    });

    it("checkpoints go from gradients of one type to those of another: they are not saved", () => {
      const options = { momentum: 0.9, gradientAccumulationSteps: 2 };
      const [half, full] = [new RMSprop(options), new RMSprop(options)];
      const twin = new Variable(noise(9), { runtime, path: "w" });
      half.build([make(noise(9))]);
      full.build([twin]);
      const halves = (seed: number) => Uint16Array.from(noise(9, seed), (x) => narrow(gradientDtype, x));
      for (let step = 0; step < 3; step++) half.apply([halves(step)]);
      load(save(half), full);
      expect(save(full).length).toBe(save(half).length);
      for (let step = 3; step < 6; step++) {
        half.apply([halves(step)]);
        full.apply([Float32Array.from(halves(step), (x) => widen(gradientDtype, x))]);
      }
      expect(bits(half.trainableVariables[0]!.value)).toEqual(bits(twin.value));
    });

    it("views are made anew after memory grew, and arrays without elements are views too", () => {
      const own = createRuntime({ backend: runtime.backend });
      const [w, empty] = [[1, 2, 3], []].map((values) => new Variable(values, { gradientDtype, runtime: own })) as [
        AnyVariable,
        AnyVariable,
      ];
      w.gradient.set([1, 2, 3]);
      const { gradient } = w;
      const { byteLength } = own;
      while (own.byteLength === byteLength) new Variable(new Float32Array(100_000), { runtime: own });
      expect(w.gradient === gradient).toBe(false);
      expect([...w.gradient]).toEqual([1, 2, 3]);
      expect(w.gradient.buffer).toBe(w.value.buffer);
      const optimizer = new RMSprop({ globalClipnorm: 1 });
      optimizer.build([empty, w]);
      optimizer.step();
      expect([empty.gradient.length, w.value.length]).toEqual([0, 3]);
    });

    it("takes half of the room, and gives all of it back", () => {
      const own = createRuntime({ backend: runtime.backend, maximumBytes: 2 ** 22 });
      const count = (dtype: typeof gradientDtype | "float32") => {
        const all: AnyVariable[] = [];
        const fill = () => {
          for (;;) all.push(new Variable(new Float32Array(10_000), { gradientDtype: dtype, runtime: own }));
        };
        expect(errorOf(fill)).toBeInstanceOf(OutOfMemoryError);
        expect(own.byteLength).toBeLessThanOrEqual(2 ** 22);
        for (const variable of all) variable.free();
        return all.length;
      };
      const [half, full] = [count(gradientDtype), count("float32")];
      // 6 bytes instead of 8.
      expect(half / full).toBeGreaterThan(1.25);
      expect(half / full).toBeLessThan(1.4);
      expect([count(gradientDtype), count("float32")]).toEqual([half, full]);
    });
  });

  it("a Float16Array is taken as its bits, whole or in part", () => {
    const numbers = [0.5, -2, 2 ** -14, 2 ** -24, 65504];
    const { buffer } = Uint16Array.from(numbers, (x) => narrow("float16", x));
    const array = new Float16(buffer);
    const w = new Variable(noise(5), { gradientDtype: "float16", runtime });
    const twin = new Variable(noise(5), { runtime });
    const optimizer = new RMSprop();
    optimizer.apply([array], [w]);
    new RMSprop().apply([numbers], [twin]);
    expect(bits(w.value)).toEqual(bits(twin.value));
    // A part of a buffer is only that part.
    const part = new Float16(buffer, 2, 3);
    const three = new Variable(noise(3), { gradientDtype: "float16", runtime });
    new RMSprop().apply([part], [three]);
    expect([...three.gradient]).toEqual([...w.gradient.subarray(1, 4)]);
  });

  it("a type that is not one of the three is refused", () => {
    const make = (gradientDtype: unknown) => () =>
      new Variable(1, { gradientDtype: gradientDtype as "float16", runtime });
    expect(errorOf(make("float64"))).toBeInstanceOf(RangeError);
    expect(errorOf(make(16))).toBeInstanceOf(TypeError);
    expect(errorOf(make(null)).message).toBe(
      'Argument `gradientDtype` must be "float32", "float16" or "bfloat16"; received null.',
    );
    expect(new Variable(1, { gradientDtype: undefined, runtime }).gradientDtype).toBe("float32");
  });
});
