// rmsprop-wasm/slim with instances instead of modules: what `import * as wasm` gives on Node, on Deno and from webpack.
/// <reference path="../../ts/kernel/webassembly.d.ts" />
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";

type Slim = typeof import("rmsprop-wasm/slim");

const file = new URL("../../dist/rmsprop.wasm", import.meta.url);
const module = new WebAssembly.Module(new Uint8Array(readFileSync(file)));
const instance = () => new WebAssembly.Instance(module, {});

/** A namespace as the ESM integration makes it: an instance's exports and nothing else, in an object that is frozen. */
const namespace = ({ exports }: WebAssembly.Instance) => Object.freeze({ ...exports });

let slim: Slim;
beforeEach(async () => {
  vi.resetModules();
  slim = await import("rmsprop-wasm/slim");
});

describe.each([
  ["the exports", namespace],
  ["the instance", (made: WebAssembly.Instance) => made],
  [
    "the module's namespace with the exports as default",
    (made: WebAssembly.Instance) => ({ default: namespace(made) }),
  ],
])("given %s", (_, form) => {
  it("has one runtime: the default one", async () => {
    await slim.init(form(instance()));
    const w = new slim.Variable(10);
    new slim.RMSprop({ learningRate: 0.1 }).apply([[10]], [w]);
    expect(w.value[0]).toBe(Math.fround(9.683772));
    expect(() => slim.createRuntime()).toThrow(slim.StateError);
    expect(() => slim.createRuntime()).toThrow(/given an instance, which is one runtime, and that exists/);
    expect(slim.backend()).toBe("wasm-simd128");
  });

  it("has one runtime: one that `createRuntime` made", () => {
    slim.initSync(form(instance()));
    expect(new slim.Variable([1, 2], { runtime: slim.createRuntime() }).size).toBe(2);
    expect(() => slim.backend()).toThrow(slim.StateError);
  });

  it("makes no second runtime in the same memory, however often it is given", () => {
    const made = form(instance());
    slim.initSync(made);
    slim.createRuntime();
    slim.initSync(made);
    expect(() => slim.createRuntime()).toThrow(slim.StateError);
  });

  it("makes another runtime of another instance, and more of the module", () => {
    slim.initSync(form(instance()));
    const first = slim.createRuntime();
    slim.initSync(form(instance()));
    expect(slim.createRuntime().byteLength).toBe(first.byteLength);
    slim.initSync(module);
    for (let i = 0; i < 3; i++) expect(slim.createRuntime().backend).toBe("wasm-simd128");
  });
});

it("is not led in circles by a module that is its own default, as in CommonJS", () => {
  const own: { default?: unknown } = {};
  own.default = own;
  expect(() => slim.initSync(own)).toThrow(TypeError);
});
