// Names and paths: given, made up as Keras does, and in the paths of an optimizer's variables.
import { LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it, vi } from "vitest";

describe("automatic names", () => {
  it("count up, for variables and for optimizers, in the whole program", async () => {
    vi.resetModules();
    const fresh = await import("rmsprop-wasm");
    expect(Array.from({ length: 3 }, () => new fresh.Variable(1).name)).toEqual([
      "variable",
      "variable_1",
      "variable_2",
    ]);
    expect(Array.from({ length: 3 }, () => new fresh.RMSprop().name)).toEqual(["rm_sprop", "rm_sprop_1", "rm_sprop_2"]);
    const scaled = () => new fresh.LossScaleOptimizer(new fresh.RMSprop({ name: "x" })).name;
    expect([scaled(), scaled()]).toEqual(["loss_scale_optimizer", "loss_scale_optimizer_1"]);
    expect(new fresh.Variable(1, { name: "w" }).name).toBe("w");
    expect(new fresh.Variable(1).name).toBe("variable_3");
  });

  it("are not used up by constructions that fail", () => {
    const number = () => Number(new Variable(1).name.split("_")[1] ?? 0);
    const before = number();
    expect(() => new Variable("1" as never)).toThrow();
    expect(() => new RMSprop({ rho: Number.NaN })).toThrow();
    expect(number()).toBe(before + 1);
  });
});

describe("names", () => {
  it("of variables are their paths, unless those are given", () => {
    expect(new Variable(1, { name: "w" })).toMatchObject({ name: "w", path: "w" });
    expect(new Variable(1, { name: "w", path: "dense/w" })).toMatchObject({ name: "w", path: "dense/w" });
    expect(new Variable(1, { path: "dense/w" }).path).toBe("dense/w");
  });

  it("are in the paths of an optimizer's variables as in Keras", () => {
    const w = new Variable([1, 2], { path: "a/b/kernel" });
    const optimizer = new RMSprop({
      name: "my_opt",
      centered: true,
      momentum: 0.5,
      useEma: true,
      gradientAccumulationSteps: 2,
    });
    optimizer.build([w, new Variable(1, { name: "bias" })]);
    expect(optimizer.variables.map(({ path }) => path)).toEqual([
      "my_opt/iteration",
      "my_opt/learning_rate",
      "my_opt/a_b_kernel_average",
      "my_opt/bias_average",
      "my_opt/a_b_kernel_gradient_accumulator",
      "my_opt/bias_gradient_accumulator",
      "my_opt/a_b_kernel_velocity",
      "my_opt/bias_velocity",
      "my_opt/a_b_kernel_momentum",
      "my_opt/bias_momentum",
      "my_opt/a_b_kernel_average_gradient",
      "my_opt/bias_average_gradient",
    ]);
    expect(optimizer.variables.every(({ path, name }) => path === `my_opt/${name}`)).toBe(true);
  });

  it("that two variables share do not confuse them", () => {
    const [a, b] = [new Variable([1], { name: "w" }), new Variable([1], { name: "w" })];
    const optimizer = new RMSprop();
    optimizer.apply([[1], [0]], [a, b]);
    expect([optimizer.slot("velocity", a)![0], optimizer.slot("velocity", b)![0]]).toEqual([Math.fround(1 - 0.9), 0]);
  });

  it("may not hold a slash if they are an optimizer's", () => {
    for (const name of ["a/b", "/", 1, {}]) {
      expect(() => new RMSprop({ name: name as string })).toThrow(/`name` must be a string without `\/`/);
      expect(() => new LossScaleOptimizer(new RMSprop(), { name: name as string })).toThrow(/`name` must be/);
    }
  });
});

describe("shapes", () => {
  it("are those given, or follow from the values, and are frozen", () => {
    expect(new Variable(1).shape).toEqual([]);
    expect(new Variable([1, 2, 3]).shape).toEqual([3]);
    expect(new Variable([1, 2, 3, 4, 5, 6], { shape: [2, 3] })).toMatchObject({ shape: [2, 3], size: 6 });
    expect(new Variable([1], { shape: [] })).toMatchObject({ shape: [], size: 1 });
    expect(new Variable(1, { shape: [1, 1] })).toMatchObject({ shape: [1, 1], size: 1 });
    expect(new Variable([], { shape: [3, 0] })).toMatchObject({ shape: [3, 0], size: 0 });
    const shape = [2, 1];
    const w = new Variable([1, 2], { shape });
    shape[0] = 9;
    expect(w.shape).toEqual([2, 1]);
    expect(Object.isFrozen(w.shape)).toBe(true);
  });
});
