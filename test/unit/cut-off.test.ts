// Calls that the host cuts off: by a time limit, which runs no `catch` and no `finally`, and by a stack overflow.

import { runInThisContext } from "node:vm";
import {
  createRuntime,
  LossScaleOptimizer,
  RMSprop,
  type RMSpropOptions,
  type Runtime,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { BACKENDS, bits, errorOf } from "./support.js";

const CUT_OFF = /An earlier call in this runtime was cut off .* all values, gradients and state in it are undefined/;

/** Runs `work`, and the host ends it after some milliseconds. */
function cutOff(work: () => void, timeout: number): void {
  (globalThis as { work?: () => void }).work = work;
  expect(errorOf(() => runInThisContext("work()", { timeout })).message).toMatch(/timed out/);
}

/** A training in a runtime. */
function trained(runtime: Runtime | undefined, size: number, options: RMSpropOptions = {}) {
  const w = new Variable(new Float32Array(size).fill(1), { runtime });
  const optimizer = new RMSprop({ momentum: 0.9, clipnorm: 1, ...options });
  optimizer.build([w]);
  w.gradient.fill(0.5);
  return { w, optimizer };
}

describe.each(BACKENDS)("%s", (backend) => {
  it("reports a step that a time limit cut off in every later call", () => {
    let count = 0;
    for (let round = 0; round < 20; round++) {
      const runtime = createRuntime({ backend });
      const { w, optimizer } = trained(runtime, round % 2 === 0 ? 200_000 : 60);
      cutOff(
        () => {
          for (;;) optimizer.step();
        },
        1 + (round % 5),
      );
      let error: unknown;
      try {
        optimizer.step();
      } catch (thrown) {
        error = thrown;
      }
      // The limit may also fall between two steps: then nothing is lost.
      if (error === undefined) {
        expect(optimizer.rawIterations).toBeGreaterThan(0);
        continue;
      }
      count++;
      const later = [
        () => optimizer.step(),
        () => optimizer.apply([new Float32Array(w.size)]),
        () => optimizer.iterations,
        () => optimizer.rawIterations,
        () => optimizer.saveOwnVariables(),
        () => optimizer.variables,
        () => {
          optimizer.rho = 0.5;
        },
        () => new RMSprop().build([w]),
        () => new Variable(1, { runtime }),
      ];
      for (const call of later) {
        expect(errorOf(call)).toBeInstanceOf(StateError);
        expect(errorOf(call).message).toMatch(CUT_OFF);
      }
      // What is left can still be looked at and given up.
      expect(w.value.length).toBe(w.size);
      optimizer.free();
      w.free();
    }
    expect(count).toBeGreaterThan(0);
  });

  it("reports a loss scale whose step was cut off", () => {
    for (let round = 0; round < 5; round++) {
      const w = new Variable(new Float32Array(400_000), { runtime: createRuntime({ backend }) });
      const optimizer = new LossScaleOptimizer(new RMSprop({ centered: true }));
      optimizer.build([w]);
      cutOff(() => {
        for (;;) optimizer.step();
      }, 3);
      try {
        optimizer.step();
      } catch {
        expect(errorOf(() => optimizer.dynamicScale).message).toMatch(CUT_OFF);
        expect(errorOf(() => optimizer.stepCounter).message).toMatch(CUT_OFF);
        optimizer.free();
      }
    }
  });

  it("reports allocations that were cut off", () => {
    for (let round = 0; round < 10; round++) {
      const runtime = createRuntime({ backend });
      const kept = new Variable(7, { runtime });
      cutOff(() => {
        for (;;) {
          const { w, optimizer } = trained(runtime, 3000);
          optimizer.free();
          w.free();
        }
      }, 1 + round);
      try {
        new Variable(1, { runtime }).free();
        expect(kept.value[0]).toBe(7);
      } catch (error) {
        expect(error).toBeInstanceOf(StateError);
        expect((error as Error).message).toMatch(CUT_OFF);
      }
    }
  });

  it("goes on after a learning rate that was cut off, in the next task", async () => {
    let [begun, endless] = [false, true];
    const rate = () => {
      begun = true;
      while (endless);
      return 0.1;
    };
    const { optimizer } = trained(createRuntime({ backend }), 8, { learningRate: rate });
    // On a loaded machine, the time can be over before the rate is asked for: nothing has happened then.
    for (let milliseconds = 5; !begun; milliseconds *= 2) cutOff(() => optimizer.step(), milliseconds);
    endless = false;
    expect(errorOf(() => optimizer.step())).toBeInstanceOf(StateError);
    await Promise.resolve();
    optimizer.step();
    expect(optimizer.rawIterations).toBe(1);
  });

  it("reports a constraint that was cut off", async () => {
    let begun = false;
    const constraint = () => {
      begun = true;
      for (;;);
    };
    let [runtime, optimizer] = [createRuntime({ backend }), new RMSprop()];
    // As above; but half a step may have happened.
    for (let milliseconds = 5; !begun; milliseconds *= 2) {
      [runtime, optimizer] = [createRuntime({ backend }), new RMSprop()];
      optimizer.build([new Variable(1, { runtime, constraint })]);
      cutOff(() => optimizer.step(), milliseconds);
    }
    expect(errorOf(() => optimizer.step())).toBeInstanceOf(StateError);
    await Promise.resolve();
    expect(errorOf(() => optimizer.step()).message).toMatch(CUT_OFF);
    expect(errorOf(() => new Variable(1, { runtime })).message).toMatch(CUT_OFF);
  });

  it("has no half step after a stack overflow, or says so", () => {
    let overflows = 0;
    const cut = (error: unknown) => error instanceof StateError && CUT_OFF.test(error.message);
    for (let round = 0; round < 24; round++) {
      const all = { clipnorm: null, globalClipnorm: 1, centered: true, useEma: true, weightDecay: 0.1 };
      const options = round % 2 === 0 ? {} : all;
      const ours = trained(createRuntime({ backend }), 100 + 8 * round, options);
      const other = trained(createRuntime({ backend }), 100 + 8 * round, options);
      // Optimized code needs less of the stack above the kernel.
      for (let i = 0; i < (round % 3) * 1500; i++) ours.optimizer.step();
      // At each of the last frames, one after the other, there is a little more room.
      let tries = 60;
      const deep = (...more: number[]) => {
        try {
          deep(...more);
        } catch (error) {
          if (tries-- > 0) {
            try {
              ours.optimizer.step();
            } catch (overflow) {
              if (!(overflow instanceof RangeError || cut(overflow))) throw overflow;
              overflows++;
            }
          }
          throw error;
        }
      };
      const error = errorOf(() => deep(...Array(round % 11).fill(0)));
      expect(error).toBeInstanceOf(RangeError);
      try {
        ours.optimizer.step();
      } catch (later) {
        if (!cut(later)) throw later;
        continue;
      }
      while (other.optimizer.rawIterations < ours.optimizer.rawIterations) other.optimizer.step();
      expect(bits(ours.w.value)).toEqual(bits(other.w.value));
    }
    expect(overflows).toBeGreaterThan(0);
  });
});

it("makes the default runtime anew", () => {
  for (let round = 0; round < 10; round++) {
    const { w, optimizer } = trained(undefined, 200_000);
    cutOff(() => {
      for (;;) optimizer.step();
    }, 3);
    const next = trained(undefined, 60);
    next.optimizer.step();
    expect(next.optimizer.rawIterations).toBe(1);
    w.free();
  }
});
