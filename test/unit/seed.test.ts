// The example of Keras' documentation, which every page of the design starts from.
import { RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { bits, onBothBackends } from "./support.js";

onBothBackends((runtime) => {
  it("takes 10 to 9.683772", () => {
    const w = new Variable(10.0, { name: "w", runtime });
    const optimizer = new RMSprop({ learningRate: 0.1 });
    optimizer.build([w]);
    w.gradient[0] = w.value[0]!;
    optimizer.step();
    expect(bits(w.value)).toEqual(["411af0bb"]);
    expect(w.value[0]).toBe(Math.fround(9.683772));
    expect(optimizer.iterations).toBe(1);
  });

  it("does so in every element of an array of any length, at any index", () => {
    for (let length = 1; length < 40; length++) {
      const w = new Variable(new Float32Array(length).fill(10), { runtime });
      new RMSprop({ learningRate: 0.1 }).apply([w.value], [w]);
      expect(bits(w.value)).toEqual(new Array(length).fill("411af0bb"));
    }
  });
});

describe("default runtime", () => {
  it("needs no option at all", () => {
    const w = new Variable(10);
    new RMSprop().apply([[10]], [w]);
    expect(w.value[0]).toBe(Math.fround(10 - Math.fround(0.01 / Math.fround(Math.sqrt(10.0000001)))));
  });
});
