// `epsilonMode: "outside"` and `momentumMode: "torch"` are PyTorch's update, up to the order of a few roundings: results of
// torch.optim.RMSprop (generate.py), compared in units of the last place.
import { readFileSync } from "node:fs";
import { RMSprop, type RMSpropOptions, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { noise, onBothBackends } from "../unit/support.js";

interface Case {
  readonly alpha: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
  readonly value: string;
  readonly square_avg: string;
  readonly momentum_buffer?: string;
  readonly grad_avg?: string;
}

const { size, rates, cases } = JSON.parse(readFileSync(new URL("rmsprop.json", import.meta.url), "utf8")) as {
  readonly size: number;
  readonly rates: readonly number[];
  readonly cases: readonly Case[];
};

/** The largest difference, in units of the last place of the largest number: sums of both signs cancel. */
function distance(ours: Float32Array, hex: string): number {
  const words = Uint32Array.from(hex.match(/.{8}/g)!, (word) => Number.parseInt(word, 16));
  const theirs = new Float32Array(words.buffer);
  expect(theirs.length).toBe(ours.length);
  const largest = Math.max(...theirs.map(Math.abs));
  const unit = 2 ** (Math.floor(Math.log2(largest)) - 23);
  return Math.max(...ours.map((x, i) => Math.abs(x - theirs[i]!) / unit));
}

const TORCH = { epsilonMode: "outside", momentumMode: "torch" } as const;

onBothBackends((runtime) => {
  const train = ({ alpha, eps, momentum, centered }: Case, modes: RMSpropOptions) => {
    const w = new Variable(noise(size, 1), { runtime });
    const optimizer = new RMSprop({ rho: alpha, epsilon: eps, momentum, centered, ...modes });
    for (const [step, rate] of rates.entries()) {
      optimizer.learningRate = rate;
      optimizer.apply([noise(size, step + 2)], [w]);
    }
    return { w, optimizer };
  };

  describe.each(cases)("alpha $alpha, eps $eps, momentum $momentum, centered $centered", (recorded) => {
    it("has PyTorch's values and state", () => {
      const { w, optimizer } = train(recorded, TORCH);
      expect(distance(w.value, recorded.value)).toBeLessThanOrEqual(2);
      for (const [slot, bits] of [
        ["velocity", recorded.square_avg],
        ["average_gradient", recorded.grad_avg],
        ["momentum", recorded.momentum_buffer],
      ] as const) {
        const ours = optimizer.slot(slot, w);
        expect(ours !== null).toBe(bits !== undefined);
        if (ours && bits) expect(distance(ours, bits), slot).toBeLessThanOrEqual(2);
      }
    });
  });

  it.each(cases.filter(({ eps }) => eps > 1e-3))("has nothing like it with epsilon inside the root: %o", (recorded) => {
    const { w } = train(recorded, { ...TORCH, epsilonMode: "inside" });
    expect(distance(w.value, recorded.value)).toBeGreaterThan(1e6);
  });

  it.each(cases.filter(({ momentum }) => momentum > 0))("nor with the rate in the momentum buffer: %o", (recorded) => {
    const { w } = train(recorded, { ...TORCH, momentumMode: "keras" });
    expect(distance(w.value, recorded.value)).toBeGreaterThan(1e6);
  });

  it("divides by epsilon where PyTorch takes the root of a negative number", () => {
    // Constant gradients: v - a² falls below 0 by rounding.
    const gradient = noise(20).map((x) => 1.5 + x / 2);
    const w = new Variable(noise(20), { runtime });
    const optimizer = new RMSprop({ centered: true, epsilon: 1e-3, epsilonMode: "outside" });
    optimizer.build([w]);
    let cancelled = 0;
    for (let step = 0; step < 1000; step++) {
      const before = w.value.slice();
      optimizer.apply([gradient]);
      const [velocity, average] = (["velocity", "average_gradient"] as const).map((slot) => optimizer.slot(slot, w)!);
      before.forEach((value, i) => {
        if (Math.fround(velocity![i]! - Math.fround(average![i]! ** 2)) >= 0) return;
        cancelled++;
        const increment = Math.fround(Math.fround(Math.fround(0.001) * gradient[i]!) / Math.fround(1e-3));
        expect(w.value[i]).toBe(Math.fround(value - increment));
      });
    }
    expect(cancelled).toBeGreaterThan(100);
    expect(w.value.every(Number.isFinite)).toBe(true);
  });
});
