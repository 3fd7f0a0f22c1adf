// Runtimes of several threads: how they begin and end, what their arrays can do, and what happens when a worker dies.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { createRuntime, LossScaleOptimizer, OutOfMemoryError, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import * as scriptOnly from "rmsprop-wasm/js";
import { createThreadedRuntime, type ThreadedRuntime, type ThreadedRuntimeOptions } from "rmsprop-wasm/threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { crcOf } from "../golden/bits.js";
import { runChild } from "./child.js";
import { errorOf, noise, stateOf } from "./support.js";

// To start a worker takes a tenth of a second, on a busy machine a second.
vi.setConfig({ testTimeout: 60_000 });

/** Enough for steps to be shared. */
const SIZE = 70_000;

const runtimes: ThreadedRuntime[] = [];
async function threads(count: number, more: Partial<ThreadedRuntimeOptions> = {}): Promise<ThreadedRuntime> {
  const runtime = await createThreadedRuntime({ threads: count, ...more });
  runtimes.push(runtime);
  return runtime;
}

afterEach(() => {
  vi.unstubAllGlobals();
  for (const runtime of runtimes.splice(0)) runtime.free();
});

const crc = (values: Float32Array) => crcOf([values]);

function training(runtime?: ThreadedRuntime, size = SIZE) {
  const w = new Variable(noise(size), { name: "w", runtime });
  const optimizer = new RMSprop({ momentum: 0.5, clipnorm: 1, name: "optimizer" });
  optimizer.build([w]);
  w.gradient.set(noise(size, 2));
  return { w, optimizer };
}

const script = readFileSync(new URL("../../dist/threads-worker.js", import.meta.url), "utf8");

/** Makes a worker whose `run_chunk` is another one: `meddle` is the text of a function of the crate's. */
const meddling = (meddle: string, workerData?: unknown) => () =>
  new Worker(
    `const { Instance } = WebAssembly;
     WebAssembly.Instance = function (module, imports) {
       const exports = { ...new Instance(module, imports).exports };
       exports.run_chunk = (${meddle})(exports.run_chunk);
       return { exports };
     };
     ${script}`,
    { eval: true, workerData },
  );

describe("threads", () => {
  it("are as many as asked for", async () => {
    for (const count of [1, 2, 5]) expect((await threads(count)).threads).toBe(count);
  });

  it("take part in large steps, and in no others", async () => {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const count = `(runChunk) => (...args) => {
      Atomics.add(require("node:worker_threads").workerData, 0, 1);
      runChunk(...args);
    }`;
    const runtime = await threads(3, { worker: meddling(count, counter) });
    expect(runtime.threads).toBe(3);
    const small = training(runtime, 50_000);
    for (let step = 0; step < 200; step++) small.optimizer.step();
    expect(counter[0]).toBe(0);
    const { optimizer } = training(runtime, 400_000);
    for (let step = 0; counter[0] === 0 && step < 10_000; step++) optimizer.step();
    expect(counter[0]).toBeGreaterThan(0);
  });

  it("are left alone for a while when they are late", async () => {
    const counter = new Int32Array(new SharedArrayBuffer(8));
    const dawdle = `(runChunk) => (...args) => {
      const { workerData } = require("node:worker_threads");
      Atomics.wait(workerData, 1, 0, 2);
      Atomics.add(workerData, 0, 1);
      runChunk(...args);
    }`;
    const runtime = await threads(2, { worker: meddling(dawdle, counter) });
    const [late, alone] = [training(runtime), training()];
    for (let step = 0; counter[0] === 0 && step < 10_000; step++) {
      late.optimizer.step();
      alone.optimizer.step();
    }
    // A chunk that takes 2 ms is waited for in one step of many; always, it would be at least one chunk a step.
    const before = counter[0] as number;
    for (let step = 0; step < 500; step++) {
      late.optimizer.step();
      alone.optimizer.step();
    }
    expect(before).toBeGreaterThan(0);
    expect((counter[0] as number) - before).toBeLessThan(250);
    expect(stateOf(late.optimizer, [late.w])).toEqual(stateOf(alone.optimizer, [alone.w]));
  });

  it("share steps again after they slept", async () => {
    const [many, one] = [training(await threads(3)), training()];
    for (let turn = 0; turn < 5; turn++) {
      for (let step = 0; step < 10; step++) for (const { optimizer } of [many, one]) optimizer.step();
      await later(20);
    }
    expect(stateOf(many.optimizer, [many.w])).toEqual(stateOf(one.optimizer, [one.w]));
  });

  it("share a step under a loss scale, and skip it together", async () => {
    const runtime = await threads(3);
    const [many, one] = [runtime, undefined].map((of) => {
      const w = new Variable(noise(SIZE), { name: "w", runtime: of });
      const optimizer = new LossScaleOptimizer(new RMSprop({ name: "inner" }), { initialScale: 8, name: "outer" });
      optimizer.build([w]);
      return { w, optimizer };
    });
    for (const index of [-1, 0, SIZE - 1, 12_345, -1]) {
      for (const { w, optimizer } of [many!, one!]) {
        w.gradient.set(noise(SIZE, 3));
        if (index >= 0) w.gradient[index] = Number.POSITIVE_INFINITY;
        optimizer.step();
      }
      expect(stateOf(many!.optimizer, [many!.w])).toEqual(stateOf(one!.optimizer, [one!.w]));
    }
    expect([many!.optimizer.rawIterations, many!.optimizer.dynamicScale]).toEqual([2, 1]);
  });
});

describe("where there can be no threads, there is one", () => {
  const alone = async (more?: Partial<ThreadedRuntimeOptions>) => {
    const runtime = await threads(4, more);
    expect(runtime.threads).toBe(1);
    const { w, optimizer } = training(runtime);
    const other = training();
    for (const each of [optimizer, other.optimizer]) each.step();
    expect(crc(w.value)).toEqual(crc(other.w.value));
    return runtime;
  };

  it("without shared memory", async () => {
    class Memory {
      constructor() {
        throw new TypeError("no shared memory");
      }
    }
    const { Module, Instance } = Reflect.get(globalThis, "WebAssembly");
    vi.stubGlobal("WebAssembly", { Module, Instance, Memory });
    await alone();
  });

  it("without workers", async () => {
    vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
    await alone();
  });

  it("where workers do not start, or fail at once", async () => {
    await alone({
      worker: () => {
        throw new Error("no");
      },
    });
    await alone({ worker: () => new Worker("throw new Error('no')", { eval: true }) });
    await alone({ worker: () => new Worker("process.exit()", { eval: true }) });
  });

  it("without WebAssembly, and then it is JavaScript", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect((await alone()).backend).toBe("js");
  });
});

it("of several workers, those that start are used", async () => {
  let made = 0;
  const worker = () => new Worker(made++ === 0 ? "process.exit()" : script, { eval: true });
  const runtime = await threads(3, { worker });
  expect(runtime.threads).toBe(2);
  const [many, one] = [training(runtime), training()];
  for (const { optimizer } of [many, one]) optimizer.step();
  expect(crc(many.w.value)).toEqual(crc(one.w.value));
});

describe("arrays in shared memory", () => {
  it("stay valid when the memory grows, and threads see what is new", async () => {
    const runtime = await threads(2);
    const first = training(runtime);
    const { value } = first.w;
    const bytes = runtime.byteLength;
    const others = Array.from({ length: 8 }, () => training(runtime, 300_000));
    expect(runtime.byteLength).toBeGreaterThan(bytes);
    for (const { optimizer } of [first, ...others]) optimizer.step();
    expect(crc(value)).toEqual(crc(first.w.value));
    const [one, large] = [training(), training(undefined, 300_000)];
    for (const { optimizer } of [one, large]) optimizer.step();
    expect(crc(value)).toEqual(crc(one.w.value));
    for (const { w } of others) expect(crc(w.value)).toEqual(crc(large.w.value));
  });

  it("can be assigned, applied, saved and loaded as others", async () => {
    const runtime = await threads(2);
    const { w, optimizer } = training(runtime);
    const other = new Variable(noise(SIZE, 5), { runtime });
    optimizer.step();
    w.assign(other.value);
    expect(crc(w.value)).toEqual(crc(other.value));
    optimizer.apply([other.value]);
    expect(crc(w.gradient)).toEqual(crc(other.value));
    expect(new Variable(w.value).value.buffer).toBeInstanceOf(ArrayBuffer);

    const store = optimizer.saveOwnVariables();
    const file = save(optimizer);
    const before = stateOf(optimizer, [w]);
    optimizer.step();
    optimizer.loadOwnVariables(store);
    load(file, optimizer);
    expect(stateOf(optimizer, [w])).toEqual(before);
    // Views on the slots themselves.
    optimizer.loadOwnVariables(Object.fromEntries(optimizer.variables.map(({ value }, i) => [i, value])));
    expect(stateOf(optimizer, [w])).toEqual(before);
  });

  it("can be given to variables whose gradients they overlap, also from before the memory grew", async () => {
    const runtime = await threads(2);
    const [a, b] = [new Variable([1, 2], { runtime }), new Variable([3, 4], { runtime })];
    const optimizer = new RMSprop();
    optimizer.build([a, b]);
    a.gradient.set([5, 6]);
    b.gradient.set([7, 8]);
    const [ofA, ofB] = [a.gradient, b.gradient];
    new Variable(new Float32Array(1e6), { runtime }).free();
    expect(a.gradient.buffer).not.toBe(ofA.buffer);
    optimizer.apply([ofB, ofA]);
    expect([...a.gradient, ...b.gradient]).toEqual([7, 8, 5, 6]);
  });

  it("of others are still refused", () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    expect(() => new Variable(shared)).toThrow("not in shared memory");
  });

  it("have the limits that were asked for", async () => {
    const runtime = await threads(2, { initialBytes: 4e6, maximumBytes: 8e6 });
    const bytes = runtime.byteLength;
    expect(bytes).toBeGreaterThan(4e6);
    const w = new Variable(new Float32Array(400_000), { runtime });
    expect(runtime.byteLength).toBe(bytes);
    expect(errorOf(() => new Variable(new Float32Array(800_000), { runtime }))).toBeInstanceOf(OutOfMemoryError);
    w.free();
    const one = await threads(1, { maximumBytes: 1e6 });
    expect(errorOf(() => new Variable(new Float32Array(800_000), { runtime: one }))).toBeInstanceOf(OutOfMemoryError);
  });
});

describe.each([1, 2])("a freed runtime of %i threads", (count) => {
  it("cannot be used, but read and freed", async () => {
    const runtime = await threads(count);
    const { w, optimizer } = training(runtime);
    optimizer.step();
    const before = stateOf(optimizer, [w]);
    runtime.free();
    runtime.free();
    for (const action of [
      () => optimizer.step(),
      () => optimizer.apply([noise(SIZE, 9)]),
      () => new Variable(1, { runtime }),
      () => new RMSprop().build([w]),
    ]) {
      const error = errorOf(action);
      expect(error).toBeInstanceOf(StateError);
      expect(error.message).toBe("The runtime was freed.");
    }
    expect(stateOf(optimizer, [w])).toEqual(before);
    optimizer.free();
    w.free();
  });
});

it("is disposed of by `using`", async () => {
  const runtime = await threads(2);
  {
    using freed = runtime;
    expect(freed.threads).toBe(2);
  }
  expect(() => new Variable(1, { runtime })).toThrow("The runtime was freed.");
});

it("cannot be freed by a callback in the middle of a step", async () => {
  const runtime = await threads(2);
  const w = new Variable(noise(SIZE), { runtime, constraint: () => runtime.free() });
  const optimizer = new RMSprop();
  optimizer.build([w]);
  expect(errorOf(() => optimizer.step())).toBeInstanceOf(StateError);
  expect(crc(w.value)).toEqual(crc(noise(SIZE)));
});

describe("a worker that dies", () => {
  it("between steps costs nothing but speed", async () => {
    const workers: Worker[] = [];
    const worker = () => {
      workers.push(new Worker(script, { eval: true }));
      return workers.at(-1)!;
    };
    const [many, one] = [training(await threads(3, { worker })), training()];
    for (let step = 0; step < 10; step++) {
      for (const { optimizer } of [many, one]) optimizer.step();
      if (step === 3) await workers[0]!.terminate();
      if (step === 6) await workers[1]!.terminate();
    }
    expect(crc(many.w.value)).toEqual(crc(one.w.value));
  });

  it("in the middle of a step is an error, and the runtime is of no more use", async () => {
    const runtime = await threads(2, { worker: meddling("() => () => process.exit()") });
    const { w, optimizer } = training(runtime, 2_000_000);
    const before = save(optimizer);
    const error = errorOf(() => {
      // Until the worker was quick enough to take a chunk.
      for (let step = 0; step < 10_000; step++) optimizer.step();
    });
    expect(error).toBeInstanceOf(StateError);
    expect(error.message).toMatch(/^A worker has died in the middle of a step: .* undefined\.$/);
    for (const action of [
      () => optimizer.step(),
      () => new Variable(1, { runtime }),
      // What is undefined must not be kept for something else.
      () => save(optimizer),
      () => load(before, optimizer),
      () => optimizer.saveOwnVariables(),
      () => optimizer.setWeights([]),
      () => optimizer.finalizeVariableValues(),
    ]) {
      const after = errorOf(action);
      expect(after).toBeInstanceOf(StateError);
      expect(after.message).toMatch(/failed half-way: what is in its memory is undefined/);
    }
    optimizer.free();
    w.free();
  });

  it("at any moment is an error or nothing, never a hang", { timeout: 120_000 }, async () => {
    const expected = training(undefined, 1_000_000);
    expected.optimizer.step();
    for (let turn = 0; turn < 4; turn++) {
      let victim: Worker | undefined;
      const worker = () => {
        victim = new Worker(script, { eval: true });
        return victim;
      };
      const { w, optimizer } = training(await threads(2, { worker }), 1_000_000);
      // It ends while the step is on.
      const ended = victim?.terminate();
      try {
        optimizer.step();
        expect(crc(w.value)).toEqual(crc(expected.w.value));
      } catch (error) {
        expect(error).toBeInstanceOf(StateError);
      }
      await ended;
    }
  });
});

it("refuses options that are not as documented", async () => {
  const refused = async (options: unknown, type: unknown, text: string) => {
    const error = await createThreadedRuntime(options as ThreadedRuntimeOptions).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(type);
    expect(String(error)).toContain(text);
  };
  await refused(undefined, TypeError, "`options` must be an object");
  await refused({}, TypeError, "`threads` must be a whole number from 1 to 64; received undefined");
  await refused({ threads: 0 }, RangeError, "received 0");
  await refused({ threads: 1.5 }, RangeError, "received 1.5");
  await refused({ threads: 65 }, RangeError, "received 65");
  await refused({ threads: 2, workers: 2 }, TypeError, 'unknown key "workers"');
  await refused({ threads: 2, worker: "worker.js" }, TypeError, "`worker` must be a function that makes a Worker");
  await refused({ threads: 2, initialBytes: -1 }, RangeError, "`initialBytes` must be");
  await refused({ threads: 2, initialBytes: 2, maximumBytes: 1 }, RangeError, "`initialBytes` must be at most");
  await refused({ threads: 2, initialBytes: 4e6, maximumBytes: 1e6 }, RangeError, "`initialBytes` must be at most");
});

it("says that a factory makes no workers, and ends those that come too late", async () => {
  const late: Worker[] = [];
  const worker = async () => {
    late.push(new Worker(script, { eval: true }));
    return late.at(-1)!;
  };
  for (const wrong of [worker, () => undefined, () => ({})]) {
    const error = await threads(3, { worker: wrong as () => object }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/`worker` must be a function that returns a Worker, at once; received/);
  }
  expect(late).toHaveLength(2);
  for (const each of late)
    await new Promise((resolve) => (each.threadId < 0 ? resolve(0) : each.once("exit", resolve)));
});

it("belongs to its own build variant", async () => {
  const runtime = await threads(2);
  const options = { runtime: runtime as unknown as scriptOnly.Runtime };
  expect(() => new scriptOnly.Variable(1, options)).toThrow("of this copy of the package");
  expect(createRuntime()).not.toHaveProperty("threads");
});

it.each(["edge-light", "workerd"])("says so on hosts that have no threads: %s", (condition) => {
  const program = `import { createThreadedRuntime } from "rmsprop-wasm/threads";
    import { BackendUnavailableError } from "rmsprop-wasm/js";
    const error = await createThreadedRuntime({ threads: 2 }).catch((error) => error);
    console.log(JSON.stringify([error instanceof BackendUnavailableError, error.message]));`;
  const flags = [`--conditions=${condition}`, "--input-type=module", "--eval", program];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  expect(JSON.parse(execFileSync(process.execPath, flags, { cwd, encoding: "utf8" }))).toEqual([
    true,
    "rmsprop-wasm/threads needs workers, and this host has none: use createRuntime() of rmsprop-wasm instead.",
  ]);
});

interface Ended {
  readonly made: number;
  readonly threads: number;
}

describe("a process", () => {
  it("ends by itself, with workers that nobody freed", async () => {
    expect(await runChild<Ended>("threads.mjs", "3")).toEqual({ made: 3, threads: 2 });
  });

  it("can make and drop 50 runtimes", { timeout: 120_000 }, async () => {
    expect(await runChild<Ended>("threads.mjs", "50")).toEqual({ made: 50, threads: 2 });
  });
});
