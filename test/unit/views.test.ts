// Views: on linear memory without copies, the same object until memory grows, never detached.
import { createRuntime, LossScaleOptimizer, RMSprop, type Runtime, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { BACKENDS, noise } from "./support.js";

/** Allocates until the linear memory has grown. */
function grow(runtime: Runtime): void {
  const before = runtime.byteLength;
  while (runtime.byteLength === before) new Variable(new Float32Array(100_000), { runtime });
}

describe.each(BACKENDS)("%s", (backend) => {
  it("are on linear memory: what is written to one is what the step reads", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable([1, 2, 3], { runtime });
    const { value, gradient } = w;
    expect(value.buffer).toBe(gradient.buffer);
    expect(value.buffer.byteLength).toBe(runtime.byteLength);
    expect([...gradient]).toEqual([0, 0, 0]);
    value.set([4, 5, 6]);
    expect([...w.value]).toEqual([4, 5, 6]);
    const optimizer = new RMSprop();
    optimizer.build([w]);
    gradient.fill(1);
    optimizer.step();
    expect(value[0]).toBeLessThan(4);
    expect([...gradient]).toEqual([1, 1, 1]);
  });

  it("can be set, which copies into them, also what is a view on the same memory", () => {
    const w = new Variable([1, 2], { runtime: createRuntime({ backend }) });
    const { gradient } = w;
    w.gradient = [3, 4];
    expect([...gradient]).toEqual([3, 4]);
    w.gradient = w.value;
    expect(w.gradient).toBe(gradient);
    expect([...gradient]).toEqual([1, 2]);
    w.value = w.gradient.map((number) => -number);
    expect([...w.value]).toEqual([-1, -2]);
  });

  it("can be what a new variable is made of, although making it moves the memory", () => {
    const runtime = createRuntime({ backend });
    const kernel = new Variable(noise(100_000), { runtime });
    const expected = [...kernel.value];
    const before = runtime.byteLength;
    const copies = [1, 2, 3].map(() => new Variable(kernel.value, { runtime }));
    expect(runtime.byteLength).toBeGreaterThan(before);
    for (const copy of copies) expect([...copy.value]).toEqual(expected);
  });

  it("are the same objects as long as memory does not grow", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable(noise(10), { runtime });
    const optimizer = new RMSprop({ momentum: 0.9 });
    optimizer.build([w]);
    const { value, gradient } = w;
    const velocity = optimizer.slot("velocity", w);
    const { byteLength } = runtime;
    for (let step = 0; step < 1000; step++) optimizer.step();
    optimizer.apply([noise(10)]);
    expect(w.value).toBe(value);
    expect(w.gradient).toBe(gradient);
    expect(optimizer.slot("velocity", w)).toBe(velocity);
    expect(runtime.byteLength).toBe(byteLength);
  });

  it("are made anew after memory grew for a variable, with the same contents", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable(noise(10), { runtime });
    const optimizer = new RMSprop({ centered: true, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 });
    optimizer.build([w]);
    for (let step = 0; step < 3; step++) optimizer.apply([noise(10, step)]);
    const read = () => optimizer.variables.map(({ value }) => [...value]).concat([[...w.value], [...w.gradient]]);
    const before = read();
    grow(runtime);
    expect(w.value.buffer.byteLength).toBe(runtime.byteLength);
    expect(w.value.length).toBe(10);
    expect(w.gradient.buffer).toBe(w.value.buffer);
    expect(optimizer.slot("velocity", w)?.buffer).toBe(w.value.buffer);
    expect(read()).toEqual(before);
  });

  it("are made anew after memory grew for the state of another optimizer", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable(noise(300_000), { runtime });
    const before = w.value.slice();
    const { byteLength } = runtime;
    const optimizer = new RMSprop({ centered: true, momentum: 0.9, useEma: true });
    optimizer.build([w]);
    expect(runtime.byteLength).toBeGreaterThan(byteLength);
    expect(w.value).toEqual(before);
    w.gradient.fill(1);
    optimizer.step();
    expect(w.value[7]).toBeLessThan(before[7]!);
  });

  it("of a training survive growth between any two steps, with equal bits", () => {
    const train = (growing: boolean) => {
      const runtime = createRuntime({ backend });
      const w = new Variable(noise(37), { runtime });
      const optimizer = new LossScaleOptimizer(new RMSprop({ momentum: 0.9, useEma: true }), { initialScale: 8 });
      for (let step = 0; step < 5; step++) {
        if (growing) grow(runtime);
        optimizer.apply([noise(37, step)], [w]);
      }
      return [w, ...optimizer.variables].map(({ value }) => [...value]);
    };
    expect(train(true)).toEqual(train(false));
  });

  it("of optimizer variables are live", () => {
    const runtime = createRuntime({ backend });
    const w = new Variable([1, 2], { runtime });
    const optimizer = new RMSprop();
    optimizer.build([w]);
    const velocity = optimizer.variables.at(-1)!;
    expect(velocity.value).toBe(optimizer.slot("velocity", w));
    grow(runtime);
    optimizer.apply([[1, 1]]);
    expect(velocity.value).toBe(optimizer.slot("velocity", w));
    expect(velocity.value[0]).toBeGreaterThan(0);
  });

  it("of arrays without elements, and of scalars, are views like others", () => {
    const runtime = createRuntime({ backend });
    const [empty, scalar] = [new Variable([], { runtime }), new Variable(2, { runtime })];
    expect([empty.size, [...empty.shape], empty.value.length]).toEqual([0, [0], 0]);
    expect([scalar.size, [...scalar.shape], scalar.value.length]).toEqual([1, [], 1]);
    const optimizer = new RMSprop({ globalClipnorm: 1, centered: true });
    optimizer.build([empty, scalar]);
    scalar.gradient[0] = 1;
    optimizer.step();
    expect(scalar.value[0]).toBeLessThan(2);
    expect(optimizer.slot("velocity", empty)?.length).toBe(0);
  });

  it("start where SIMD loads like them to: at a multiple of 16 bytes", () => {
    const runtime = createRuntime({ backend });
    const optimizer = new RMSprop({ momentum: 0.5, centered: true });
    const variables = [1, 3, 100].map((length) => new Variable(noise(length), { runtime }));
    optimizer.build(variables);
    for (const variable of variables) {
      const views = [variable.value, variable.gradient, optimizer.slot("momentum", variable)!];
      expect(views.map(({ byteOffset }) => byteOffset % 16)).toEqual([0, 0, 0]);
    }
  });
});
