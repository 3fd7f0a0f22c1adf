// Files that the real PyTorch and timm wrote: their state goes on here as it did there, or is refused with its reason.
import { CheckpointError, LossScaleOptimizer, RMSprop, type RMSpropOptions, StateError, Variable } from "rmsprop-wasm";
import { loadPyTorch } from "rmsprop-wasm/pytorch";
import { describe, expect, it } from "vitest";
import { errorOf, stateOf } from "../unit/support.js";
import {
  distances,
  fixture,
  floats,
  hex,
  TORCH_SLOTS,
  torch,
  torchCases,
  torchGradients,
  torchOptions,
  torchSizes,
  unitsOf,
} from "./fixtures.js";

function built(options: RMSpropOptions, shapes = torch.shapes, sizes = torchSizes): RMSprop {
  const optimizer = new RMSprop(options);
  optimizer.build(
    shapes.map((shape, i) => new Variable(new Float32Array(sizes[i]!), { name: `v${i}`, shape: [...shape] })),
  );
  return optimizer;
}

const read = (name: string) => fixture(`${name}.safetensors`);
const modes = (name: string) => torchOptions(torch.cases[name]!);

/** Without ε and momentum the formula is Keras' too: the modes may be either. */
const ZERO = { rho: 0.99, epsilon: 0 };

describe.each([
  ...torchCases.map(([name, recorded]) => [name, recorded, torchOptions(recorded)] as const),
  ["zero-eps", torch.cases["zero-eps"]!, ZERO] as const,
  ["zero-eps-centered", torch.cases["zero-eps-centered"]!, { rho: 0.9, epsilon: 0, centered: true }] as const,
])("%s", (name, recorded, options) => {
  it("has the bits of PyTorch's arrays, and goes on as there but for the last ones", () => {
    const optimizer = built(options);
    loadPyTorch(read(name), optimizer);
    expect(optimizer.rawIterations).toBe(torch.steps);
    expect(optimizer.learningRate).toBe(Math.fround(torch.rates[torch.steps - 1]!));
    optimizer.trainableVariables.forEach((variable, i) => {
      const saved = recorded.saved[i]!;
      expect(hex(variable.value)).toBe(hex(floats(saved.value)));
      for (const [slot, key] of TORCH_SLOTS) {
        const kept = optimizer.slot(slot, variable);
        expect(kept && hex(kept), slot).toBe(saved[key] === undefined ? null : hex(floats(saved[key])));
      }
    });

    for (const [step, rate] of torch.rates.entries()) {
      if (step < torch.steps) continue;
      optimizer.learningRate = rate;
      optimizer.apply(torchGradients(step));
    }
    for (const [what, distance] of Object.entries(distances(optimizer, recorded))) {
      expect(distance, what).toBeLessThanOrEqual(unitsOf(recorded, what));
    }
  });
});

it("leaves the rate to a schedule", () => {
  const optimizer = built({ ...ZERO, learningRate: (step) => 1 / (1 + step) });
  loadPyTorch(read("zero-eps"), optimizer);
  expect(optimizer.learningRate).toBe(Math.fround(1 / (1 + torch.steps)));
});

/** `bytes` with other metadata, or without some of its tensors. */
function edited(bytes: Uint8Array, edit: (header: Record<string, unknown>, groups: Record<string, unknown>[]) => void) {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const groups = JSON.parse(header.__metadata__.param_groups);
  edit(header, groups);
  if (header.__metadata__.param_groups) header.__metadata__.param_groups = JSON.stringify(groups);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + bytes.length - start).fill(0x20);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, 8);
  file.set(bytes.subarray(start), 8 + length);
  return file;
}

describe("what cannot go on as it was changes nothing, and the error says why", () => {
  const zero = () => built(ZERO);
  const file = (edit: Parameters<typeof edited>[1]) => edited(read("zero-eps"), edit);

  it.each<[string, () => Uint8Array, () => RMSprop, RegExp]>([
    [
      "ε outside the root",
      () => read("defaults"),
      () => built({ ...modes("defaults"), epsilonMode: "inside" }),
      /eps \(1e-8\).*`epsilonMode: "outside"`/,
    ],
    [
      "the rate after the momentum",
      () => read("momentum"),
      () => built({ ...modes("momentum"), momentumMode: "keras" }),
      /`momentumMode: "torch"`/,
    ],
    [
      "L2 in the gradients",
      () => read("weight-decay"),
      () => built(modes("defaults")),
      /weight_decay is 0.01.* weightDecay null: .*`weightDecay: 0.01, weightDecayMode: "coupled"`/,
    ],
    [
      "L2 in the gradients, where decay is of the values",
      () => read("weight-decay"),
      () => built({ ...modes("weight-decay"), weightDecayMode: "decoupled" }),
      /weight_decay \(0.01\) is added to the gradients.*`weightDecay: 0.01, weightDecayMode: "coupled"`/,
    ],
    [
      "decay of the values, where it is in the gradients",
      () => read("timm-decoupled"),
      () => built({ ...modes("timm-decoupled"), weightDecayMode: "coupled" }),
      /weight_decay \(0.01\) is taken from the values.*weightDecayMode: "decoupled"`/,
    ],
    [
      "no decay",
      () => read("defaults"),
      () => built({ ...modes("defaults"), weightDecay: 0.01 }),
      /weight_decay is 0, this optimizer's weightDecay 0.01: .*`weightDecay: null`/,
    ],
    [
      "a decay of no group",
      () => read("groups"),
      () => built({ ...modes("groups"), weightDecay: 0.01 }),
      /weight_decay is 0.00001 and 0, this optimizer's weightDecay 0.01: /,
    ],
    ["upwards", () => read("maximize"), () => built(modes("defaults")), /maximize is true.*`maximize: true`/],
    [
      "timm's ε",
      () => read("timm"),
      () => built({ ...modes("timm"), epsilonMode: "outside" }),
      /timm adds eps \(0.001\) under .*`epsilonMode: "inside"`/,
    ],
    [
      "timm's momentum",
      () => read("timm"),
      () => built({ ...modes("timm"), momentumMode: "torch" }),
      /timm applies the learning rate before the momentum.*`momentumMode: "keras"`/,
    ],
    [
      "timm's caution",
      () => edited(read("timm"), (_, [group]) => Object.assign(group!, { caution: true })),
      () => built(modes("timm")),
      /timm's caution is not there here: save with caution = False/,
    ],
    [
      "groups of two kinds",
      () => edited(read("groups"), (_, [group]) => Object.assign(group!, { momentum: 0.5 })),
      () => built({ ...modes("groups"), momentum: 0.5 }),
      /different momentum/,
    ],
    ["another rho", () => read("zero-eps"), () => built({ epsilon: 0 }), /alpha is 0.99.* rho 0.9: .*`rho: 0.99`/],
    ["another epsilon", () => read("zero-eps"), () => built({ rho: 0.99 }), /`epsilon: 0`/],
    ["another momentum", () => read("zero-eps"), () => built({ ...ZERO, momentum: 1 }), /`momentum: 0`/],
    ["centering", () => read("zero-eps-centered"), () => built({ rho: 0.9, epsilon: 0 }), /`centered: true`/],
    ["an average", () => read("zero-eps"), () => built({ ...ZERO, useEma: true }), /no average: .* without useEma/],
    ["fewer variables", () => read("zero-eps"), () => built(ZERO, [[3, 7]]), /2 parameters.* with 1/],
    [
      "another shape",
      () => read("zero-eps"),
      () => built(ZERO, [[7, 3], [2]]),
      /"0\/square_avg" has shape \[3,7\]; for variable ".*" it must be \[7,3\]/,
    ],
    ["no groups", () => fixture("python.safetensors"), zero, /no param_groups: .*docs\/pytorch.md/],
    [
      "groups of Adam",
      () => file((_, [group]) => delete group!["alpha"]),
      zero,
      /torch.optim.RMSprop: alpha must be a number/,
    ],
    ["no group", () => file((_, groups) => groups.pop()), zero, /are empty/],
    ["a parameter twice", () => file((_, [group]) => Object.assign(group!, { params: [0, 0] })), zero, /distinct/],
    [
      "half a state",
      () =>
        file((header) => {
          header["0/other"] = header["0/square_avg"];
          delete header["0/square_avg"];
        }),
      zero,
      /no "0\/square_avg"/,
    ],
    [
      "more than is known",
      () =>
        file((header) => {
          header["2/other"] = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
        }),
      zero,
      /"2\/other" is not known/,
    ],
    [
      "half of the values",
      () =>
        file((header) => {
          header["2/value"] = header["1/value"];
          delete header["1/value"];
        }),
      zero,
      /no "1\/value", for variable/,
    ],
    [
      "a step below 0, hidden behind another",
      () => {
        const bytes = file(() => {});
        const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
        const text = JSON.parse(Buffer.from(bytes.subarray(8, 8 + header)).toString());
        new DataView(bytes.buffer, bytes.byteOffset).setFloat32(8 + header + text["0/step"].data_offsets[0], -1, true);
        return bytes;
      },
      zero,
      /must be a whole number from 0/,
    ],
    [
      "an average in whole numbers",
      () => file((header) => Object.assign(header["0/square_avg"]!, { dtype: "I32" })),
      zero,
      /"0\/square_avg" must have dtype F32/,
    ],
    [
      "a header that is nested too deeply",
      () => {
        const header = `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
        const bytes = new Uint8Array(8 + header.length);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
        bytes.set(Buffer.from(header), 8);
        return bytes;
      },
      zero,
      /"a" has no known dtype/,
    ],
    [
      "a step that is none",
      () => file((header) => Object.assign(header["0/step"]!, { dtype: "U32" })),
      zero,
      /F32, F64, I32 or I64.*"U32"/,
    ],
  ])("%s", (_, bytes, make, pattern) => {
    const optimizer = make();
    const before = stateOf(optimizer, optimizer.trainableVariables);
    const error = errorOf(() => loadPyTorch(bytes(), optimizer));
    expect(error.message).toMatch(pattern);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(stateOf(optimizer, optimizer.trainableVariables)).toEqual(before);
  });

  it("a variable that was freed", () => {
    const optimizer = zero();
    optimizer.trainableVariables[1]!.free();
    expect(() => loadPyTorch(read("zero-eps"), optimizer)).toThrow(StateError);
    expect(optimizer.rawIterations).toBe(0);
  });

  it("arguments that are something else", () => {
    expect(() => loadPyTorch("" as unknown as Uint8Array, zero())).toThrow(/`bytes`/);
    const scaled = new LossScaleOptimizer(zero());
    expect(() => loadPyTorch(read("zero-eps"), scaled as unknown as RMSprop)).toThrow(/`optimizer` must be an RMSprop/);
    expect(() => loadPyTorch(read("zero-eps"), new RMSprop())).toThrow(StateError);
  });
});

describe("groups become overrides", () => {
  it("of rate and decay, so that a further change of the rate is one of all", () => {
    const optimizer = built(modes("groups-rates"));
    loadPyTorch(read("groups-rates"), optimizer);
    const [weight, bias] = optimizer.trainableVariables;
    const rate = Math.fround(torch.rates[torch.steps - 1]!);
    expect(optimizer.learningRate).toBe(rate);
    expect(optimizer.overridesOf(weight!)).toMatchObject({ learningRateMultiplier: 1, weightDecay: 1e-5 });
    const { learningRateMultiplier, weightDecay } = optimizer.overridesOf(bias!);
    expect(weightDecay).toBe(false);
    expect(Math.fround(rate * learningRateMultiplier)).toBe(Math.fround(torch.rates[torch.steps - 1]! * 0.3));
  });

  it("with rates of 0 too", () => {
    const frozen = (rates: readonly number[]) =>
      edited(read("groups"), (_, groups) => {
        for (const [i, group] of groups.entries()) Object.assign(group, { lr: rates[i] });
      });
    for (const [rates, rate, multipliers] of [
      [[0, 0.5], 0.5, [0, 1]],
      [[0.5, 0], 0.5, [1, 0]],
      [[0, 0], 0, [1, 1]],
    ] as const) {
      const optimizer = built(modes("groups"));
      loadPyTorch(frozen(rates), optimizer);
      expect(optimizer.learningRate).toBe(rate);
      const found = optimizer.trainableVariables.map((variable) => optimizer.overridesOf(variable));
      expect(found.map(({ learningRateMultiplier }) => learningRateMultiplier)).toEqual(multipliers);
    }
  });
});

/** The file with its header written anew: as `text` makes it of the JSON. */
function rewritten(bytes: Uint8Array, text: (json: string) => string) {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = Buffer.from(text(Buffer.from(bytes.subarray(8, start)).toString()));
  const file = new Uint8Array(8 + header.length + bytes.length - start);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(bytes.subarray(start), 8 + header.length);
  return file;
}

describe("a header", () => {
  const indented = (json: string) => JSON.stringify(JSON.parse(json), null, 1);
  it.each<[string, (json: string) => string]>([
    ["with whitespace before it", (json) => ` \n\t${json}`],
    ["with spaces behind colons and commas, as json.dumps writes them", (json) => indented(json).replace(/\n */g, " ")],
    ["on many lines", indented],
    ["with escaped letters", (json) => json.replaceAll("square", "squ\\u0061re").replaceAll("dtype", "dt\\u0079pe")],
  ])("is read %s", (_, text) => {
    const [one, other] = [built({ ...ZERO, name: "o" }), built({ ...ZERO, name: "o" })];
    const bytes = rewritten(read("zero-eps"), text);
    expect(Buffer.from(bytes).equals(read("zero-eps"))).toBe(false);
    loadPyTorch(read("zero-eps"), one);
    loadPyTorch(bytes, other);
    expect(stateOf(other, other.trainableVariables)).toEqual(stateOf(one, one.trainableVariables));
  });

  it.each<[string, (json: string) => string, RegExp]>([
    ["a tensor twice", (json) => json.replace(/("0\/step":\{[^}]*\})/, "$1,$1"), /"0\/step" is said to be at bytes/],
    ["a key twice", (json) => json.replace('"dtype":"F32"', '"dtype":"F64","dtype":"F32"'), /repeated, or not known/],
    [
      "a key twice, once escaped",
      (json) => json.replace('"shape":', '"sh\\u0061pe":[9],"shape":'),
      /repeated, or not known/,
    ],
    // As Python's library does. With them a repeated key could hide in a length that exponents make up for.
    [
      "numbers as floats",
      (json) => json.replace(/"data_offsets":\[0,(\d+)\]/, '"data_offsets":[0e1,$1.0]'),
      /has no valid data_offsets/,
    ],
  ])("is refused with %s", (_, text, pattern) => {
    const optimizer = built(ZERO);
    expect(() => loadPyTorch(rewritten(read("zero-eps"), text), optimizer)).toThrow(pattern);
    expect(optimizer.rawIterations).toBe(0);
  });
});

it.each(["I64", "I32", "F64", "F32"])("takes a step of %s", (dtype) => {
  const optimizer = built({ rho: 0.99, epsilon: 0 }, [[1]], [1]);
  const step = { I64: BigInt64Array.of(7n), I32: Int32Array.of(7), F64: Float64Array.of(7), F32: Float32Array.of(7) }[
    dtype
  ]!;
  const size = step.byteLength;
  const group = { lr: 0.5, alpha: 0.99, eps: 0, momentum: 0, centered: false, weight_decay: 0, params: [0] };
  const header = JSON.stringify({
    __metadata__: { param_groups: JSON.stringify([group]) },
    "0/square_avg": { dtype: "F32", shape: [1], data_offsets: [0, 4] },
    "0/step": { dtype, shape: [], data_offsets: [4, 4 + size] },
  });
  const length = new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer);
  const data = [Float32Array.of(2), step].map((array) => new Uint8Array(array.buffer));
  loadPyTorch(Uint8Array.from(Buffer.concat([length, Buffer.from(header), ...data])), optimizer);
  expect(optimizer.rawIterations).toBe(7);
  expect(optimizer.slot("velocity", optimizer.trainableVariables[0]!)![0]).toBe(2);
});

it("has 1 in the mean of squares of a parameter that timm never gave a gradient", () => {
  const optimizer = built(modes("timm-no-gradient"));
  loadPyTorch(fixture("timm-no-gradient.safetensors"), optimizer);
  const [, bias] = optimizer.trainableVariables;
  expect([...optimizer.slot("velocity", bias!)!]).toEqual([1, 1]);
  expect([...optimizer.slot("momentum", bias!)!]).toEqual([0, 0]);
});

it("has 0 for a parameter that never had a gradient, and keeps values that the file has not", () => {
  const optimizer = built(ZERO);
  const [weight, bias] = optimizer.trainableVariables;
  weight!.value.fill(7);
  optimizer.slot("velocity", bias!)!.fill(7);
  loadPyTorch(fixture("no-gradient.safetensors"), optimizer);
  expect(hex(optimizer.slot("velocity", weight!)!)).toBe(
    hex(floats(torch.cases["no-gradient"]!.saved[0]!.square_avg!)),
  );
  expect([...optimizer.slot("velocity", bias!)!]).toEqual([0, 0]);
  expect(weight!.value.every((number) => number === 7)).toBe(true);
  expect(optimizer.rawIterations).toBe(torch.steps);
});
