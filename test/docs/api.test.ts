// Everything that is exported has a description, says what it throws, and is shown in an example.

import { expect, it } from "vitest";
import { api, type Documented } from "./api.js";

/** What is used of others' objects, and Keras' JSON: nobody writes them by hand. */
const NOT_WRITTEN = [
  "rmsprop-wasm: (GradientArrays|HyperparameterConfig)",
  "rmsprop-wasm/tfjs: (\\w+Like|SerializableClass|TensorFlow|RMSpropClass)",
  "rmsprop-wasm/checkpoint: Checkpointed\\w*",
  "rmsprop-wasm/checkpoint/opfs: (Directory|FileHandle|Content|Writable)",
  "rmsprop-wasm/keras: (NamedValues|NamedVariable|TensorReceiver)",
  "rmsprop-wasm/pytorch: Receiver",
  "rmsprop-wasm/distributed: (Replicated\\w+|FoldedOptimizer|Signal)",
  "rmsprop-wasm/distributed/nats: Nats(Connection|Consumer|JetStream|Manager|Messages?)",
  // Every error's, its class's name.
  "[\\w/-]+: \\w+Error\\.name",
];
const notWritten = new RegExp(`^(${NOT_WRITTEN.join("|")})(\\.|$)`);

const names = (isIncomplete: (each: Documented) => boolean) => api.filter(isIncomplete).map(({ name }) => name);

it("looks at all of it", () => {
  expect(api.length).toBeGreaterThan(500);
  for (const pattern of NOT_WRITTEN) expect(names(({ name }) => new RegExp(`^${pattern}`).test(name))).not.toEqual([]);
});

it("has a description", () => {
  expect(names(({ description }) => description === "")).toEqual([]);
});

it("says what it throws", () => {
  expect(names(({ canThrow, saysThrows }) => canThrow && !saysThrows)).toEqual([]);
});

it("says what parameters are", () => {
  expect(names(({ name, saysParameters }) => !saysParameters && !notWritten.test(name))).toEqual([]);
});

it("is shown in an example", () => {
  expect(names(({ name, isShown }) => !isShown && !notWritten.test(name))).toEqual([]);
});
