// initialBytes, maximumBytes and the OutOfMemoryError, after which everything is as it was.
import { createRuntime, LossScaleOptimizer, OutOfMemoryError, RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { BACKENDS, errorOf, noise, stateOf } from "./support.js";

const MEGABYTE = 2 ** 20;
const everything = { momentum: 0.9, centered: true, useEma: true, gradientAccumulationSteps: 2 } as const;

describe.each(BACKENDS)("%s", (backend) => {
  it("initialBytes is room for arrays of that size, without growing", () => {
    const runtime = createRuntime({ backend, initialBytes: 8 * MEGABYTE });
    const { byteLength } = runtime;
    expect(byteLength).toBeGreaterThan(8 * MEGABYTE);
    const w = new Variable(noise(MEGABYTE / 4), { runtime });
    const { value } = w;
    new RMSprop(everything).apply([noise(MEGABYTE / 4)], [w]);
    expect(runtime.byteLength).toBe(byteLength);
    expect(w.value).toBe(value);
  });

  it("maximumBytes is never exceeded by arrays large or small", () => {
    for (const length of [100_000, 1000, 1]) {
      const runtime = createRuntime({ backend, maximumBytes: 4 * MEGABYTE });
      const fill = () => {
        for (;;) new Variable(new Float32Array(length), { runtime });
      };
      expect(errorOf(fill)).toBeInstanceOf(OutOfMemoryError);
      expect(runtime.byteLength).toBeLessThanOrEqual(4 * MEGABYTE);
      expect(runtime.byteLength).toBeGreaterThan(2 * MEGABYTE);
    }
  });

  it("maximumBytes is never exceeded by the state of optimizers", () => {
    for (const [length, count] of [
      [20_000, 1],
      [10, 1000],
      [0, 0],
    ] as const) {
      const runtime = createRuntime({ backend, maximumBytes: 4 * MEGABYTE });
      const variables = Array.from({ length: count }, () => new Variable(new Float32Array(length), { runtime }));
      const some = new Variable(1, { runtime });
      const fill = () => {
        for (;;) new RMSprop(everything).build([some, ...variables]);
      };
      expect(errorOf(fill)).toBeInstanceOf(OutOfMemoryError);
      expect(runtime.byteLength).toBeLessThanOrEqual(4 * MEGABYTE);
      expect(runtime.byteLength).toBeGreaterThan(2 * MEGABYTE);
    }
  });

  it("a variable that does not fit is an OutOfMemoryError and changes nothing", () => {
    const runtime = createRuntime({ backend, maximumBytes: 4 * MEGABYTE });
    const w = new Variable(noise(1000), { runtime });
    const optimizer = new RMSprop(everything);
    optimizer.apply([noise(1000)], [w]);
    const before = stateOf(optimizer, [w]);
    const { byteLength } = runtime;
    const error = errorOf(() => new Variable(new Float32Array(MEGABYTE), { runtime, shape: [1024, 1024] }));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(/no room for a variable of shape \[1024,1024\]/);
    expect(stateOf(optimizer, [w])).toEqual(before);
    expect(runtime.byteLength).toBe(byteLength);
    expect(new Variable(noise(1000), { runtime }).size).toBe(1000);
  });

  it("state that does not fit is an OutOfMemoryError: the optimizer stays unbuilt, the gradients stay", () => {
    const runtime = createRuntime({ backend, maximumBytes: 4 * MEGABYTE });
    const [large, small] = [noise(200_000), noise(10)].map((values) => new Variable(values, { runtime })) as [
      Variable,
      Variable,
    ];
    for (const optimizer of [new RMSprop(everything), new LossScaleOptimizer(new RMSprop(everything))]) {
      const before = stateOf(optimizer, [large, small]);
      for (const action of [
        () => optimizer.build([small, large]),
        () => optimizer.apply([noise(10), noise(200_000)], [small, large]),
        () => optimizer.applyGradients([[noise(200_000), large]]),
        () => optimizer.minimize(() => 0, [small, large]),
      ]) {
        expect(errorOf(action)).toBeInstanceOf(OutOfMemoryError);
        expect(stateOf(optimizer, [large, small])).toEqual(before);
      }
      optimizer.apply([noise(10)], [small]);
      expect(optimizer.rawIterations).toBe(1);
    }
  });

  it("a loss scale that does not fit leaves the inner optimizer unbuilt", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable([1], { runtime });
    const { kernel } = runtime as unknown as { kernel: object };
    // A scale is smaller than any state, so that no limit makes it fail alone.
    Object.assign(runtime, { kernel: { ...kernel, loss_scale_create: () => 0 } });
    const optimizer = new LossScaleOptimizer(new RMSprop());
    expect(errorOf(() => optimizer.build([w]))).toBeInstanceOf(OutOfMemoryError);
    expect([optimizer.built, optimizer.innerOptimizer.built]).toEqual([false, false]);
    Object.assign(runtime, { kernel });
    optimizer.build([w]);
    expect(optimizer.built).toBe(true);
  });

  it("many small variables make it grow a few times, not page by page, and not beyond maximumBytes", () => {
    const maximumBytes = 32 * MEGABYTE;
    const runtime = createRuntime({ backend, maximumBytes });
    const lengths: number[] = [];
    const note = () => {
      if (lengths.at(-1) !== runtime.byteLength) lengths.push(runtime.byteLength);
    };
    const variables = Array.from({ length: 50_000 }, () => {
      const w = new Variable(1, { runtime });
      note();
      return w;
    });
    // The first 4 MiB are 64 pages, the rest are eighths.
    expect(lengths.length).toBeLessThan(64 + 20);
    expect(runtime.byteLength).toBeLessThan((9 / 8) * 230 * variables.length + MEGABYTE);
    const { kernel } = runtime as unknown as { kernel: { optimizer_add(...args: number[]): number } };
    const before = runtime.byteLength;
    const grown = new Set<number>();
    const add = (...args: number[]) => {
      grown.add(runtime.byteLength);
      return kernel.optimizer_add(...args);
    };
    Object.assign(runtime, { kernel: { ...kernel, optimizer_add: add } });
    new RMSprop().build(variables.slice(0, 40_000));
    // Room for the state was made before the first variable was added, and was enough.
    expect([...grown]).toEqual([runtime.byteLength]);
    expect(runtime.byteLength).toBeGreaterThan(before);
    Object.assign(runtime, { kernel });
    const fill = () => {
      for (;;) new RMSprop().build(variables);
    };
    expect(errorOf(fill)).toBeInstanceOf(OutOfMemoryError);
    expect(runtime.byteLength).toBeLessThanOrEqual(maximumBytes);
  });

  it("there is room again after something was freed, as often as that happens", () => {
    const runtime = createRuntime({ backend, maximumBytes: 4 * MEGABYTE });
    const allocate = () => new Variable(new Float32Array(150_000), { runtime });
    for (let i = 0; i < 50; i++) {
      const w = allocate();
      const optimizer = new RMSprop();
      optimizer.build([w]);
      expect(() => [allocate(), allocate()]).toThrow(OutOfMemoryError);
      optimizer.free();
      w.free();
      const rest: Variable[] = [];
      expect(() => {
        for (;;) rest.push(allocate());
      }).toThrow(OutOfMemoryError);
      expect(rest.length).toBeGreaterThan(0);
      for (const variable of rest) variable.free();
    }
  });

  it("initialBytes beyond what there is, or what 32 bits address, is an OutOfMemoryError", () => {
    for (const initialBytes of [2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
      expect(errorOf(() => createRuntime({ backend, initialBytes }))).toBeInstanceOf(OutOfMemoryError);
    }
  });

  it("what cannot be had by growing is said, and not taken for there", () => {
    const { kernel } = createRuntime({ backend }) as unknown as { kernel: { memory: { grow(pages: number): number } } };
    const grown = (pages: number) => {
      try {
        return kernel.memory.grow(pages);
      } catch {
        // How WebAssembly's own says it.
        return -1;
      }
    };
    for (const pages of [65_536, 70_000, 2 ** 31 - 1]) expect(grown(pages)).toBe(-1);
    expect(grown(0)).toBeGreaterThan(0);
  });

  it("maximumBytes may be all that 32 bits address, and less than the crate needs for itself", () => {
    for (const maximumBytes of [2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
      expect(new Variable([1, 2], { runtime: createRuntime({ backend, maximumBytes }) }).size).toBe(2);
    }
    for (const maximumBytes of [0, 1000]) {
      const runtime = createRuntime({ backend, maximumBytes });
      expect(errorOf(() => new Variable([1, 2], { runtime }))).toBeInstanceOf(OutOfMemoryError);
    }
  });
});
