// The long run on both backends: the same bits after each leg, and those recorded here, so that a change of bits on both backends
// is noticed.
import { createRuntime } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { run } from "./long-run.js";

const LENGTHS = [1000, 129, 64, 7, 1, 0, 5];

it("has the same bits in WebAssembly, in JavaScript, and as before", { timeout: 60_000 }, () => {
  const [wasm, js] = [
    run(createRuntime({ backend: "wasm" }), LENGTHS, 400),
    run(createRuntime({ backend: "js" }), LENGTHS, 400),
  ];
  expect(js).toEqual(wasm);
  expect(wasm).toEqual({
    plain: "c78ab2fb",
    everything: "1b866803",
    "loss scale, clipnorm": "4c3048bb",
    "clipvalue, static scale": "f385f571",
    "small numbers": "4493cb89",
    "large numbers": "f44b21cd",
    "odd numbers": "6d4b9733",
    "accumulation under a loss scale": "edfb8a97",
  });
});
