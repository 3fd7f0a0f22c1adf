// Optimizers and arrays of another realm: an iframe's, or those of node:vm.
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { exportNpz, exportSafetensors } from "rmsprop-wasm/keras";
import { expect, it } from "vitest";

const realm = createContext({});
runInContext(readFileSync(new URL("../../dist/iife/rmsprop-wasm.js", import.meta.url), "utf8"), realm);
const { w, optimizer } = runInContext(
  `const w = new rmspropWasm.Variable([1, 2], { name: "w" });
   const optimizer = new rmspropWasm.RMSprop({ name: "o" });
   optimizer.apply([[1, 1]], [w]);
   ({ w, optimizer });`,
  realm,
) as { w: Variable; optimizer: RMSprop };
const foreign = <A extends Uint8Array | Float32Array>(array: A): A =>
  runInContext(`(values) => new ${array.constructor.name}(values)`, realm)([...array]);

function own() {
  const variable = new Variable([1, 2], { name: "w" });
  const trained = new RMSprop({ name: "o" });
  trained.apply([[1, 1]], [variable]);
  return { variable, trained };
}

it("are saved as what they are, and loaded", () => {
  expect(w.value).not.toBeInstanceOf(Float32Array);
  const { trained } = own();
  const bytes = save(optimizer);
  expect(bytes).toEqual(save(trained));
  w.value.fill(0);
  load(bytes, optimizer);
  expect(save(optimizer)).toEqual(bytes);
  load(foreign(bytes), trained);
  expect(save(trained)).toEqual(bytes);
});

it("are exported as what they are", () => {
  const { trained } = own();
  for (const write of [exportNpz, exportSafetensors]) {
    expect(write(optimizer.variables)).toEqual(write(trained.variables));
  }
});

it("are gradients as others", () => {
  const { variable, trained } = own();
  trained.apply([foreign(Float32Array.of(1, 1))]);
  optimizer.apply([[1, 1]]);
  expect([...variable.value]).toEqual([...w.value]);
});
