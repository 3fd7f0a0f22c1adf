// Checkpoints: saving and loading at any moment continues with the same bits; every altered byte is found.
import { crc32 } from "node:zlib";
import {
  CheckpointError,
  createRuntime,
  type LearningRate,
  LossScaleOptimizer,
  type LossScaleOptions,
  type Optimizer,
  OutOfMemoryError,
  PiecewiseConstantDecay,
  RMSprop,
  type RMSpropOptions,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";
import { bits, errorOf, stateOf } from "./support.js";

/** A small model whose optimizer uses every kind of state. */
function model(scaled: boolean): { optimizer: Optimizer; step: (t: number) => void; free: () => void } {
  const variables = [
    new Variable([1, -2, 3], { name: "kernel", path: "dense/kernel" }),
    new Variable(0.5, { name: "bias", path: "dense/bias" }),
    new Variable([], { name: "empty", path: "empty", shape: [0, 3] }),
    new Variable([4], { name: "amax", path: "amax", overwriteWithGradient: true }),
  ];
  const inner = new RMSprop({
    name: "rmsprop",
    momentum: 0.9,
    centered: true,
    useEma: true,
    emaOverwriteFrequency: 3,
    gradientAccumulationSteps: 3,
    globalClipnorm: 0.5,
    weightDecay: 0.01,
  });
  const optimizer = scaled
    ? new LossScaleOptimizer(inner, { name: "scaled", initialScale: 4, dynamicGrowthSteps: 2 })
    : inner;
  optimizer.build(variables);
  return {
    optimizer,
    step(t) {
      for (const [i, { gradient }] of variables.entries()) {
        for (let j = 0; j < gradient.length; j++) gradient[j] = Math.fround(((t * 7 + i * 3 + j) % 11) - 5);
      }
      optimizer.step();
    },
    free() {
      optimizer.free();
      for (const variable of variables) variable.free();
    },
  };
}

it("load without memory is an OutOfMemoryError, of the entry that lacks it", () => {
  const runtime = createRuntime();
  const w = new Variable([1], { path: "w", runtime });
  const inner = new RMSprop({ name: "inner" });
  const optimizer = new LossScaleOptimizer(inner, { name: "scaled" });
  optimizer.build([w]);
  const file = save(optimizer);
  // An optimizer wrapped after it was built gets its loss scale when it is first needed.
  const late = new LossScaleOptimizer(inner, { name: "late" });
  const { kernel } = runtime as unknown as { kernel: object };
  Object.assign(runtime, { kernel: { ...kernel, loss_scale_create: () => 0 } });
  expect(errorOf(() => load(file, late))).toBeInstanceOf(OutOfMemoryError);
  Object.assign(runtime, { kernel });
  load(file, late);
  expect(late.dynamicScale).toBe(2 ** 15);
});

describe.each([false, true])("with loss scaling: %s", (scaled) => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])("continues with the same bits after %i steps", (saveAt) => {
    const whole = model(scaled);
    const resumed = model(scaled);
    for (let t = 0; t < saveAt; t++) whole.step(t);
    load(save(whole.optimizer), resumed.optimizer);
    for (let t = saveAt; t < saveAt + 8; t++) {
      whole.step(t);
      resumed.step(t);
      expect(save(resumed.optimizer)).toEqual(save(whole.optimizer));
    }
    whole.free();
    resumed.free();
  });

  it("finds every altered byte, and changes nothing then", () => {
    const { optimizer, step, free } = model(scaled);
    for (let t = 0; t < 4; t++) step(t);
    const bytes = save(optimizer);
    step(4);
    const before = save(optimizer);
    for (let offset = 0; offset < bytes.length; offset++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const altered = bytes.slice();
        altered[offset] = (altered[offset] as number) ^ flip;
        expect(() => load(altered, optimizer), `byte ${offset}`).toThrow(CheckpointError);
      }
    }
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => load(bytes.subarray(0, length), optimizer), `length ${length}`).toThrow(CheckpointError);
    }
    expect(save(optimizer)).toEqual(before);
    free();
  });
});

it("begins its data at a multiple of 16 bytes, and names its tensors by path and slot", () => {
  const { optimizer, free } = model(false);
  const bytes = save(optimizer);
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(start % 16).toBe(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const { __metadata__: metadata, ...tensors } = header;
  expect(metadata).toMatchObject({ version: "1", iteration: "0", includes_variables: "true" });
  expect(JSON.parse(metadata.optimizer)).toEqual(optimizer.getConfig());
  expect(Object.keys(tensors)).toContain("dense/kernel/average_gradient");
  expect(tensors["dense/kernel"]).toEqual({ dtype: "F32", shape: [3], data_offsets: [0, 12] });
  free();
});

it("leaves the variables out on request, and then alone", () => {
  const from = model(false);
  from.step(0);
  const to = model(false);
  const [kernel] = to.optimizer.trainableVariables;
  kernel?.assign([7, 8, 9]);
  load(save(from.optimizer, { includeVariables: false }), to.optimizer);
  expect([...(kernel?.value ?? [])]).toEqual([7, 8, 9]);
  expect(to.optimizer.rawIterations).toBe(1);
  from.free();
  to.free();
});

it.each([
  [["w", "0", "1"]],
  [["10", "9", "é/β"]],
  [["__proto__", "constructor", "toString"]],
  [['a"b', "c\\d", "e\nf"]],
])("keeps variables of whatever names apart: %j", (paths) => {
  const variables = paths.map((path, i) => new Variable([i + 1, -i], { name: "v", path }));
  const empty = new Variable([], { name: "v", path: "2" });
  const optimizer = new RMSprop();
  optimizer.build([...variables, empty]);
  optimizer.step();
  const bytes = save(optimizer);
  for (const { value } of variables) value.fill(0);
  load(bytes, optimizer);
  expect(variables.map(({ value }) => [...value])).toEqual(paths.map((_, i) => [i + 1, -i]));
  expect(save(optimizer)).toEqual(bytes);
});

it("refuses the one name that the format has for itself", () => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable(1, { name: "v", path: "__metadata__" })]);
  expect(() => save(optimizer)).toThrow(CheckpointError);
});

/** `bytes` with another header and the checksum that fits it: what an attacker can make. */
function forged(bytes: Uint8Array, edit: (header: string) => string): Uint8Array {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = edit(new TextDecoder().decode(bytes.subarray(8, start)).trimEnd());
  const header = new TextEncoder().encode(text.replace(/"checksum":"\w{8}"/, '"checksum":"00000000"'));
  const length = Math.ceil((8 + header.length) / 16) * 16 - 8;
  const file = new Uint8Array(8 + length + bytes.length - start).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(header, 8);
  file.set(bytes.subarray(start), 8 + length);
  const digits = crc32(file).toString(16).padStart(8, "0");
  file.set(new TextEncoder().encode(digits), new TextDecoder().decode(file).indexOf('"checksum":"') + 12);
  return file;
}

it.each<[string, (header: string) => string]>([
  ["a repeated counter", (text) => text.replace('"iteration":"0"', '"iteration":"5","iteration":"0"')],
  [
    "a repeated tensor",
    (text) => text.replace(/}}$/, '},"dense/kernel":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
  ],
  ["an unknown key", (text) => text.replace('"dtype":"F32",', '"dtype":"F32","x":1,')],
  ["another dtype", (text) => text.replace('"dtype":"F32"', '"dtype":"F64"')],
  ["a huge shape", (text) => text.replace('"shape":[3]', '"shape":[4294967296,4294967296]')],
  ["a negative shape", (text) => text.replace('"shape":[3]', '"shape":[-3]')],
  ["overlapping tensors", (text) => text.replace('"data_offsets":[12,16]', '"data_offsets":[8,12]')],
  ["a rate that is no number", (text) => text.replace(/"learning_rate":"[^"]+"/, '"learning_rate":"NaN"')],
  ["a checksum in another text", (text) => text.replace('{"format"', '{"x\\"":"\\"checksum\\":\\"00000000","format"')],
  ["an array as header", () => '["checksum":"00000000"]'],
])("is not taken in by %s with a valid checksum", (_, edit) => {
  const { optimizer, free } = model(false);
  const bytes = save(optimizer);
  load(
    forged(bytes, (text) => text),
    optimizer,
  );
  expect(() => load(forged(bytes, edit), optimizer)).toThrow(CheckpointError);
  expect(save(optimizer)).toEqual(bytes);
  free();
});

it("refuses a header longer than any that it writes, at once", () => {
  const { optimizer, free } = model(false);
  const file = new Uint8Array(100_000_100).fill(0x20);
  new DataView(file.buffer).setBigUint64(0, BigInt(file.length - 8), true);
  expect(() => load(file, optimizer)).toThrow(CheckpointError);
  free();
});

it("tells a number from a schedule as learning rate, also under a loss scale", () => {
  const schedule = () => new PiecewiseConstantDecay({ boundaries: [2], values: [0.3, 0.2] });
  const built = (learningRate: LearningRate, scaled: boolean) => {
    const inner = new RMSprop({ learningRate });
    const optimizer = scaled ? new LossScaleOptimizer(inner) : inner;
    optimizer.build([new Variable(1, { name: "w", path: "w" })]);
    return optimizer;
  };
  for (const scaled of [false, true]) {
    const [number, scheduled] = [built(0.5, scaled), built(schedule(), scaled)];
    expect(() => load(save(scheduled), number)).toThrow(
      /with a schedule or a function as learning rate, this optimizer's is a number/,
    );
    expect(() => load(save(number), scheduled)).toThrow(
      /with a number as learning rate, this optimizer's is a schedule/,
    );
    const [other, onSchedule] = [built(0.25, scaled), built(schedule(), scaled)];
    load(save(number), other);
    expect(other.learningRate).toBe(0.5);
    // What the messages say helps.
    other.learningRate = schedule();
    load(save(onSchedule), other);
    expect(other.learningRate).toBe(Math.fround(0.3));
  }
});

it("changes nothing if a variable was freed", () => {
  const [v, w] = [new Variable(1, { path: "v", name: "v" }), new Variable(1, { path: "w", name: "w" })];
  const optimizer = new RMSprop();
  optimizer.build([v, w]);
  const bytes = save(optimizer);
  v.gradient.fill(1);
  optimizer.step();
  const before = [...(optimizer.slot("velocity", v) ?? [])];
  w.free();
  expect(() => load(bytes, optimizer)).toThrow(StateError);
  expect([...(optimizer.slot("velocity", v) ?? [])]).toEqual(before);
  expect(optimizer.rawIterations).toBe(1);
});

it("loads no loss scale beyond its bounds", () => {
  const built = (options: LossScaleOptions) => {
    const optimizer = new LossScaleOptimizer(new RMSprop(), options);
    optimizer.build([new Variable(1, { name: "w", path: "w" })]);
    return optimizer;
  };
  const bytes = save(built({ initialScale: 2 ** 20 }));
  expect(() => load(bytes, built({ initialScale: 4, maximumScale: 8 }))).toThrow(/maximumScale \(8\)/);
});

it("does not write what it could not read again", () => {
  const w = new Variable(1, { name: "w", path: "w" });
  const optimizer = new RMSprop();
  optimizer.build([w]);
  optimizer.setWeights(optimizer.variables.map(({ slot, value }) => (slot === null ? 2 ** 31 - 1 : value)));
  load(save(optimizer), optimizer);
  // A call more could be counted, but not saved.
  w.gradient.fill(1);
  const before = stateOf(optimizer, [w]);
  const scaled = new LossScaleOptimizer(optimizer);
  for (const call of [() => optimizer.step(), () => optimizer.apply([[1]]), () => scaled.step()]) {
    const error = errorOf(call);
    expect(error).toBeInstanceOf(StateError);
    expect(error.message).toMatch(/has counted 2 \*\* 31 - 1 calls/);
    expect(stateOf(optimizer, [w])).toEqual(before);
  }

  const long = new RMSprop();
  long.build([new Variable(1, { name: "w", path: "w".repeat(51_000_000) })]);
  const error = errorOf(() => save(long));
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error.message).toMatch(/take 102000\d+ bytes; a file holds at most 100000000/);
});

it("writes no configuration that it could not read again", () => {
  const saved = (getConfig: () => unknown) => {
    const schedule = { peak: 0.5, at: () => 0.5, getConfig } as LearningRate;
    const optimizer = new RMSprop({ learningRate: schedule, momentum: 0.9 });
    optimizer.build([new Variable(1, { name: "w" })]);
    load(save(optimizer), optimizer);
  };
  saved(function (this: object) {
    return { ...this };
  });
  for (const config of [undefined, () => 1, "text", [() => 1, undefined], { nothing: { toJSON: () => undefined } }]) {
    saved(() => config);
  }
  const error = errorOf(() => saved(() => ({ size: 1n })));
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error.message).toMatch(/^The optimizer's configuration cannot be saved as JSON: TypeError: .*BigInt/);
});

it("is not kept busy by quotation marks in text", () => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable(1, { name: "w", path: "w" })]);
  const bytes = save(optimizer);
  // Half a million strings seem to begin; a search that begins anew at each of them takes hours.
  for (const text of ['\\"', "\\n", "x"]) {
    const long = text.repeat(7_000_000 / text.length);
    const file = forged(bytes, (header) => header.replace('"checksum"', () => `"more":"${long}","checksum"`));
    expect(() => load(file, optimizer)).toThrow(CheckpointError);
  }
});

it("says that a file is of another version before it says more", () => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable(1, { name: "w", path: "w" })]);
  const newer = forged(save(optimizer), (text) => text.replace('"version":"1"', '"version":"2"').replace(",", ", "));
  expect(() => load(newer.slice(), optimizer)).toThrow(CheckpointError);
  const plain = forged(save(optimizer), (text) => text.replace('"version":"1"', '"version":"2"'));
  expect(() => load(plain, optimizer)).toThrow(/of version 1; it is .* of version "2"/);
});

it("names the argument that is wrong", () => {
  for (const wrong of [null, undefined, 5, { built: true }]) {
    expect(() => save(wrong as never)).toThrow(/`optimizer` must be an RMSprop or a LossScaleOptimizer; received/);
    expect(() => load(new Uint8Array(9), wrong as never)).toThrow(/`optimizer` must be/);
  }
});

describe("what does not fit", () => {
  const w = (path: string, size: number) => new Variable(new Float32Array(size), { name: "w", path });
  const saved = (...variables: Variable[]) => {
    const optimizer = new RMSprop();
    optimizer.build(variables);
    return save(optimizer);
  };
  const reloaded = (bytes: Uint8Array, optimizer: Optimizer, ...variables: Variable[]) => {
    optimizer.build(variables);
    return () => load(bytes, optimizer);
  };

  it.each<readonly [string, () => () => void, RegExp]>([
    ["another path", () => reloaded(saved(w("a", 2)), new RMSprop(), w("b", 2)), /no tensor "b"/],
    ["another shape", () => reloaded(saved(w("a", 2)), new RMSprop(), w("a", 3)), /"a" has shape \[2\].*\[3\]/],
    ["more variables", () => reloaded(saved(w("a", 2), w("b", 2)), new RMSprop(), w("a", 2)), /"b" is not known/],
    [
      "other slots",
      () => reloaded(saved(w("a", 2)), new RMSprop({ momentum: 0.5 }), w("a", 2)),
      /no state \(momentum\) of "a": it was saved with `momentum` off/,
    ],
    ...(["momentum", "centered", "useEma", "gradientAccumulationSteps"] as const).map((option) => {
      const full = { momentum: 0.5, centered: true, useEma: true, gradientAccumulationSteps: 2 } as const;
      const less = { ...full, momentum: 0, [option]: option === "momentum" ? 0 : undefined };
      const [without, all] = [{ ...full, [option]: less[option] }, full].map(
        (options) => () => new RMSprop(options as RMSpropOptions),
      );
      const attempt = () => {
        const optimizer = all!();
        optimizer.build([w("a", 2)]);
        return reloaded(save(optimizer), without!(), w("a", 2));
      };
      const pattern = new RegExp(`has state \\(\\w+\\) of "a", which this.* make it with \`${option}\``);
      return [`without ${option}`, attempt, pattern] as const;
    }),
    [
      "a schedule",
      () => reloaded(saved(w("a", 2)), new RMSprop({ learningRate: () => 1 }), w("a", 2)),
      /with a number as learning rate, this optimizer's is a schedule/,
    ],
    [
      "a loss scale",
      () => reloaded(saved(w("a", 2)), new LossScaleOptimizer(new RMSprop()), w("a", 2)),
      /is not of a LossScaleOptimizer: load it into the `innerOptimizer`/,
    ],
    [
      "no loss scale",
      () => {
        const scaled = new LossScaleOptimizer(new RMSprop());
        scaled.build([w("a", 2)]);
        return reloaded(save(scaled), new RMSprop(), w("a", 2));
      },
      /is of a LossScaleOptimizer: load it into one/,
    ],
  ])("%s is an error that names it", (_, attempt, pattern) => {
    const act = attempt();
    expect(act).toThrow(CheckpointError);
    expect(act).toThrow(pattern);
  });

  it("two variables with one path cannot be told apart", () => {
    expect(() => saved(w("a", 1), w("a", 1))).toThrow(/"a".*different paths/);
  });

  it("what was saved without a loss scale fits the optimizer inside of one", () => {
    const scaled = new LossScaleOptimizer(new RMSprop());
    scaled.build([w("a", 2)]);
    load(saved(w("a", 2)), scaled.innerOptimizer);
    expect(scaled.rawIterations).toBe(0);
  });

  it("its arguments are not mistaken for each other", () => {
    const optimizer = new RMSprop();
    optimizer.build([w("a", 1)]);
    for (const [bytes, other, pattern] of [
      [optimizer, save(optimizer), /`bytes` must be a Uint8Array; received an object/],
      [Promise.resolve(save(optimizer)), optimizer, /`bytes` must be a Uint8Array; received a Promise \(is an `await`/],
      [save(optimizer), undefined, /`optimizer` must be an RMSprop or a LossScaleOptimizer; received undefined/],
    ] as const) {
      const error = errorOf(() => load(bytes as never, other as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(pattern);
    }
    expect(errorOf(() => save({} as never))).toBeInstanceOf(TypeError);
  });

  it("an optimizer that is not built has nothing to save", () => {
    expect(() => save(new RMSprop())).toThrow(StateError);
    expect(() => load(new Uint8Array(8), new RMSprop())).toThrow(StateError);
  });
});

describe("options that decide what the state means", () => {
  const trained = (options: RMSpropOptions, steps: number, isScaled = false) => {
    const inner = new RMSprop(options);
    const optimizer = isScaled ? new LossScaleOptimizer(inner) : inner;
    const w = new Variable([1, 2], { name: "w" });
    optimizer.build([w]);
    for (let step = 0; step < steps; step++) optimizer.apply([[step + 1, -1]]);
    return { optimizer, w };
  };
  const refusal = (saved: RMSpropOptions, steps: number, options: RMSpropOptions, isScaled: boolean) => {
    const bytes = save(trained(saved, steps, isScaled).optimizer);
    const { optimizer, w } = trained(options, 1, isScaled);
    const before = stateOf(optimizer, [w]);
    const error = errorOf(() => load(bytes, optimizer));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(stateOf(optimizer, [w])).toEqual(before);
    return error.message;
  };
  const loads = (saved: RMSpropOptions, steps: number, options: RMSpropOptions) => {
    const from = trained(saved, steps);
    const to = trained(options, 0);
    load(save(from.optimizer), to.optimizer);
    for (const [i, { value }] of from.optimizer.variables.entries()) {
      expect(bits(to.optimizer.variables[i]!.value)).toEqual(bits(value));
    }
  };
  const [keras, torch] = [{ momentum: 0.9 }, { momentum: 0.9, momentumMode: "torch" }] as const;

  it.each([false, true])("a momentum with the learning rate in it, or without; loss scaling: %s", (isScaled) => {
    expect(refusal(keras, 2, torch, isScaled)).toMatch(/has the learning rate in it.*`momentumMode: "keras"`/);
    expect(refusal(torch, 2, keras, isScaled)).toMatch(/does not have the learning rate.*`momentumMode: "torch"`/);
  });

  it.each([3, 4])("another accumulation, in the middle: after %i", (steps) => {
    const message = refusal({ gradientAccumulationSteps: 2 }, steps, { gradientAccumulationSteps: 3 }, false);
    expect(message).toMatch(/middle of an accumulation, of 2 .* 3 here: .*`gradientAccumulationSteps: 2`/);
  });

  it("nothing else", () => {
    loads({ gradientAccumulationSteps: 2 }, 6, { gradientAccumulationSteps: 3 });
    loads({ momentumMode: "torch" }, 2, {});
    loads(torch, 2, { ...torch, momentum: 0.5, epsilonMode: "outside", rho: 0.5, epsilon: 1 });
  });
});
