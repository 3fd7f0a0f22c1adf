// Runtimes: each its own memory and nothing in common, chosen by backend; variables of several cannot be mixed.
import { BackendUnavailableError, backend, createRuntime, RMSprop, StateError, Variable } from "rmsprop-wasm";
import * as scriptOnly from "rmsprop-wasm/js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BACKENDS, bits, errorOf, noise } from "./support.js";

afterEach(() => vi.unstubAllGlobals());

describe("independent runtimes", () => {
  it("train the same numbers on their own, without touching each other's", () => {
    const runtimes = [...BACKENDS, ...BACKENDS].map((name) => createRuntime({ backend: name }));
    const trainings = runtimes.map((runtime) => {
      const w = new Variable(noise(33), { runtime });
      return { runtime, w, optimizer: new RMSprop({ learningRate: 0.1, momentum: 0.5 }) };
    });
    for (const [which, { w, optimizer }] of trainings.entries()) {
      for (let step = 0; step <= which; step++) optimizer.apply([noise(33, step)], [w]);
    }
    expect(new Set(trainings.map(({ w }) => w.value.buffer)).size).toBe(4);
    expect(trainings.map(({ optimizer }) => optimizer.iterations)).toEqual([1, 2, 3, 4]);
    for (const { w, optimizer } of trainings) {
      while (optimizer.iterations < 4) optimizer.apply([noise(33, optimizer.iterations)], [w]);
    }
    for (const { w } of trainings) expect(bits(w.value)).toEqual(bits(trainings[0]!.w.value));
  });

  it("grow, fill up and free on their own", () => {
    const [small, other] = [createRuntime({ maximumBytes: 2 ** 21 }), createRuntime()];
    const w = new Variable([1, 2], { runtime: other });
    const { value } = w;
    const before = other.byteLength;
    expect(() => new Variable(new Float32Array(2 ** 20), { runtime: small })).toThrow("There is no room");
    new Variable(new Float32Array(2 ** 20), { runtime: createRuntime() }).free();
    expect(w.value).toBe(value);
    expect(other.byteLength).toBe(before);
  });

  it("of one backend and of the other have the same name for it as `backend()`", () => {
    expect(createRuntime().backend).toBe(backend());
    expect(createRuntime({ backend: "wasm" }).backend).toBe("wasm-simd128");
    expect(createRuntime({ backend: "wasm-simd128" }).backend).toBe("wasm-simd128");
    expect(createRuntime({ backend: "js" }).backend).toBe("js");
  });
});

describe("variables of different runtimes", () => {
  const [one, two] = [createRuntime(), createRuntime({ backend: "js" })];
  const a = new Variable([1], { path: "first/a", runtime: one });
  const b = new Variable([1], { path: "second/b", runtime: two });

  it("cannot be built, applied or minimized together", () => {
    for (const action of [
      () => new RMSprop().build([a, b]),
      () => new RMSprop().apply([[1], [1]], [a, b]),
      () => new RMSprop().minimize(() => 0, [a, b]),
    ]) {
      const error = errorOf(action);
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(/`variables` must be of one runtime; "second\/b" and "first\/a"/);
    }
  });

  it("are unknown to an optimizer of the other runtime", () => {
    const optimizer = new RMSprop();
    optimizer.build([a]);
    expect(errorOf(() => optimizer.apply([[1]], [b]))).toBeInstanceOf(StateError);
    expect(errorOf(() => optimizer.slot("velocity", b))).toBeInstanceOf(StateError);
    expect([a.value[0], b.value[0], optimizer.iterations]).toEqual([1, 1, 0]);
  });

  it("may give each other their gradients, which are copied", () => {
    const optimizer = new RMSprop();
    b.gradient[0] = 2;
    optimizer.apply([b.gradient], [a]);
    expect(a.gradient[0]).toBe(2);
  });
});

describe("another copy of the package", () => {
  it("has variables, runtimes and optimizers of its own, which are refused", () => {
    const foreign = new scriptOnly.Variable([1]);
    expect(() => new RMSprop().build([foreign as unknown as Variable])).toThrow(
      /a Variable of this copy of the package/,
    );
    const runtime = scriptOnly.createRuntime();
    expect(() => new Variable(1, { runtime: runtime as never })).toThrow(/made by `createRuntime` of this copy/);
  });
});

describe("backends that cannot be had", () => {
  it("are a BackendUnavailableError of the entry without WebAssembly", () => {
    expect(scriptOnly.backend()).toBe("js");
    const error = errorOf(() => scriptOnly.createRuntime({ backend: "wasm" }));
    expect(error).toBeInstanceOf(scriptOnly.BackendUnavailableError);
    expect(error.message).toMatch(/wasm-simd128 cannot be had here: it is not part of this entry/);
  });

  it("are a BackendUnavailableError with its cause where WebAssembly is missing or forbidden, and JavaScript steps in", () => {
    const refuse = class {
      constructor() {
        throw new Error("blocked by policy");
      }
    };
    vi.stubGlobal("WebAssembly", { Module: refuse, Instance: refuse });
    const error = errorOf(() => createRuntime({ backend: "wasm" }));
    expect(error).toBeInstanceOf(BackendUnavailableError);
    expect((error as BackendUnavailableError).cause).toMatchObject({ message: "blocked by policy" });
    vi.stubGlobal("WebAssembly", undefined);
    expect(() => createRuntime({ backend: "wasm" })).toThrow(BackendUnavailableError);
    expect(createRuntime().backend).toBe("js");
  });
});
