// What the unit tests share: both backends, all bits of a state, and the check that a failed call changes none of them.
import {
  type AnyVariable,
  createRuntime,
  type Optimizer,
  OutOfMemoryError,
  type Runtime,
  Variable,
} from "rmsprop-wasm";
import { describe, expect } from "vitest";

export const BACKENDS = ["wasm", "js"] as const;

/** The same tests on both machine forms, each in a runtime of its own. */
export function onBothBackends(tests: (runtime: Runtime) => void): void {
  describe.each(BACKENDS)("%s", (backend) => tests(createRuntime({ backend })));
}

/** An array as its bits, which also tell -0 from 0 and one NaN from another. */
export function bits(values: Float32Array | Int32Array | readonly number[]): string[] {
  const array = ArrayBuffer.isView(values) ? values : Float32Array.from(values);
  const words = new Uint32Array(array.slice().buffer);
  return Array.from(words, (word) => word.toString(16).padStart(8, "0"));
}

/** Everything a call could change: values, gradients, slots, counters, learning rate, loss scale, configuration. */
export function stateOf(optimizer: Optimizer, variables: readonly AnyVariable[]): unknown {
  const hex = (values: Float32Array | Int32Array | Uint16Array) => Buffer.from(values.slice().buffer).toString("hex");
  return {
    built: optimizer.built,
    iterations: optimizer.iterations,
    own: optimizer.variables.map(({ path, value }) => [path, hex(value)]),
    values: variables.map(({ value }) => hex(value)),
    gradients: variables.map(({ gradient }) => hex(gradient)),
    config: optimizer.getConfig(),
  };
}

/** What `action` throws. */
export function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return error as Error;
  }
  throw new Error("No error was thrown.");
}

/** Small floats that look random and are the same in every run. */
export function noise(length: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A member whose key is one of the package's own symbols: what no user can reach by accident. */
export function hidden(object: object, name: string): unknown {
  for (let owner = object; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const key = Object.getOwnPropertySymbols(owner).find(({ description }) => description === name);
    if (key !== undefined) return Reflect.get(owner, key, object);
  }
  throw new Error(`There is no ${name}.`);
}

/** Leaves the default runtime this many bytes; returns the function that gives it all memory again. */
export function limited(bytes: number): () => void {
  const w = new Variable(1);
  const { kernel, byteLength } = hidden(w, "runtime") as Runtime & { kernel: { memory_limit(bytes: number): void } };
  w.free();
  kernel.memory_limit(byteLength + bytes);
  return () => kernel.memory_limit(2 ** 32 - 1);
}

/** How many variables of 1000 numbers the default runtime has room for. */
export function room(): number {
  const variables: Variable[] = [];
  const fill = () => {
    for (;;) variables.push(new Variable(new Float32Array(1000)));
  };
  expect(errorOf(fill)).toBeInstanceOf(OutOfMemoryError);
  for (const variable of variables) variable.free();
  return variables.length;
}

/** A pattern that counts how often it is searched in a text. */
export class Counting extends RegExp {
  searches = 0;

  override [Symbol.search](text: string): number {
    this.searches++;
    return super[Symbol.search](text);
  }
}
