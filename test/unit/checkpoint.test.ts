// Checkpoints: saving and loading at any moment continues with the same bits; every altered byte is found.
import { CheckpointError, LossScaleOptimizer, type Optimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { describe, expect, it } from "vitest";

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
    for (let place = 0; place < bytes.length; place++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const altered = bytes.slice();
        altered[place] = (altered[place] as number) ^ flip;
        expect(() => load(altered, optimizer), `byte ${place}`).toThrow(CheckpointError);
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

  it.each([
    ["another path", () => reloaded(saved(w("a", 2)), new RMSprop(), w("b", 2)), /no tensor "b"/],
    ["another shape", () => reloaded(saved(w("a", 2)), new RMSprop(), w("a", 3)), /"a" has shape \[2\].*\[3\]/],
    ["more variables", () => reloaded(saved(w("a", 2), w("b", 2)), new RMSprop(), w("a", 2)), /"b" is not known/],
    [
      "other slots",
      () => reloaded(saved(w("a", 2)), new RMSprop({ momentum: 0.5 }), w("a", 2)),
      /no tensor "a\/momentum"/,
    ],
    [
      "a schedule",
      () => reloaded(saved(w("a", 2)), new RMSprop({ learningRate: () => 1 }), w("a", 2)),
      /"learning_rate" is not known/,
    ],
    [
      "a loss scale",
      () => reloaded(saved(w("a", 2)), new LossScaleOptimizer(new RMSprop()), w("a", 2)),
      /has no "step_counter"/,
    ],
  ])("%s is an error that names it", (_, attempt, pattern) => {
    const act = attempt();
    expect(act).toThrow(CheckpointError);
    expect(act).toThrow(pattern);
  });

  it("two variables with one path cannot be told apart", () => {
    expect(() => saved(w("a", 1), w("a", 1))).toThrow(/"a".*different paths/);
  });

  it("an optimizer that is not built has nothing to save", () => {
    expect(() => save(new RMSprop())).toThrow(StateError);
    expect(() => load(new Uint8Array(8), new RMSprop())).toThrow(StateError);
  });
});
