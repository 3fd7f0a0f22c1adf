// Variables that a step sets to their gradient (overwriteWithGradient).
import { LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { bits, noise, onBothBackends } from "./support.js";

onBothBackends((runtime) => {
  const make = () =>
    [
      new Variable(noise(9), { name: "w", runtime }),
      new Variable(noise(9), { name: "o", overwriteWithGradient: true, runtime }),
    ] as const;

  it("become their gradient, unscaled and unclipped, and have no slots", () => {
    const [w, o] = make();
    const optimizer = new RMSprop({
      lossScaleFactor: 4,
      clipnorm: 0.01,
      weightDecay: 1,
      momentum: 0.5,
      centered: true,
      useEma: true,
    });
    optimizer.apply([noise(9, 2), noise(9, 3)], [w, o]);
    expect(bits(o.value)).toEqual(bits(noise(9, 3)));
    for (const slot of ["average", "velocity", "momentum", "average_gradient", "gradient_accumulator"] as const) {
      expect(optimizer.slot(slot, o)).toBeNull();
    }
    expect(optimizer.variables.map(({ name }) => name).filter((name) => name.startsWith("o"))).toEqual([]);
  });

  it("do not take part in the global norm", () => {
    const [w, o] = make();
    const [alone, lonely] = [new Variable(noise(9), { runtime }), new RMSprop({ globalClipnorm: 0.5 })];
    const optimizer = new RMSprop({ globalClipnorm: 0.5 });
    for (let step = 0; step < 4; step++) {
      optimizer.apply([noise(9, step), noise(9, step + 50).map((x) => x * 1e6)], [w, o]);
      lonely.apply([noise(9, step)], [alone]);
    }
    expect(bits(w.value)).toEqual(bits(alone.value));
  });

  it("become the greatest gradient of a window, and at least 0, when gradients are accumulated", () => {
    const [w, o] = make();
    const optimizer = new RMSprop({ gradientAccumulationSteps: 2 });
    const give = (value: number) => optimizer.apply([noise(9, 1), new Array(9).fill(value)], [w, o]);
    give(3);
    expect(bits(o.value)).toEqual(bits(noise(9)));
    give(2);
    expect(o.value[0]).toBe(3);
    give(-5);
    give(-4);
    expect(o.value[0]).toBe(0);
  });

  it("on their own count as a step", () => {
    const [, o] = make();
    const optimizer = new RMSprop({ useEma: true });
    optimizer.apply([noise(9, 1)], [o]);
    expect(optimizer.iterations).toBe(1);
    expect(bits(o.value)).toEqual(bits(noise(9, 1)));
  });

  it("are not divided by a dynamic scale, but their gradient must be finite for a step", () => {
    const [w, o] = make();
    const optimizer = new LossScaleOptimizer(new RMSprop(), { initialScale: 8 });
    optimizer.apply([noise(9, 1), new Array(9).fill(5)], [w, o]);
    expect(o.value[0]).toBe(5);
    optimizer.apply([noise(9, 1), new Array(9).fill(Number.NaN)], [w, o]);
    expect([o.value[0], optimizer.iterations, optimizer.dynamicScale]).toEqual([5, 1, 4]);
  });

  it("are never constrained", () => {
    const o = new Variable([1], { overwriteWithGradient: true, constraint: (value) => value.fill(0), runtime });
    new RMSprop().apply([[3]], [o]);
    expect(o.value[0]).toBe(3);
  });
});
