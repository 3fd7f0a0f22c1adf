// Files that the real PyTorch wrote: its state goes on here as it did there, or is refused with its reason.
import { CheckpointError, LossScaleOptimizer, RMSprop, type RMSpropOptions, StateError, Variable } from "rmsprop-wasm";
import { loadPyTorch } from "rmsprop-wasm/pytorch";
import { describe, expect, it } from "vitest";
import { errorOf, stateOf } from "../unit/support.js";
import { expectations, fixture, hex } from "./fixtures.js";

interface Case {
  /** Each parameter's arrays by PyTorch's names. */
  readonly state: readonly Readonly<Record<string, string>>[];
  /** The parameters when they were saved, and after each step that followed. */
  readonly values: readonly (readonly string[])[];
  readonly gradients: readonly (readonly string[])[];
}
const { shapes, cases } = expectations<{ shapes: number[][]; cases: Record<string, Case> }>("pytorch");

const floats = (b64: string) => new Float32Array(Uint8Array.from(Buffer.from(b64, "base64")).buffer);
const NAMES = { velocity: "square_avg", momentum: "momentum_buffer", average_gradient: "grad_avg" } as const;

function built(options: RMSpropOptions, order = shapes): RMSprop {
  const optimizer = new RMSprop(options);
  const sizes = order.map((shape) => shape.reduce((product, length) => product * length, 1));
  optimizer.build(order.map((shape, i) => new Variable(new Float32Array(sizes[i]!), { name: `v${i}`, shape })));
  return optimizer;
}

/** The options that PyTorch's have here. */
const OPTIONS = {
  "zero-eps": { rho: 0.99, epsilon: 0 },
  "zero-eps-centered": { rho: 0.9, epsilon: 0, centered: true },
  defaults: { rho: 0.99, epsilon: 1e-8 },
  momentum: { rho: 0.95, epsilon: 0, momentum: 0.9, centered: true },
  everything: { rho: 0.99, epsilon: 1e-3, momentum: 0.5, centered: true },
  "weight-decay": { rho: 0.99, epsilon: 1e-8 },
  maximize: { rho: 0.99, epsilon: 1e-8 },
} as const satisfies Record<string, RMSpropOptions>;

const read = (name: keyof typeof OPTIONS) => fixture(`${name}.safetensors`);

/** An optimizer that says of itself that it computes PyTorch's formula. */
const inModes = (optimizer: RMSprop, modes: object) => Object.assign(optimizer, modes);

describe.each(["zero-eps", "zero-eps-centered", "defaults", "momentum", "everything"] as const)("%s", (name) => {
  const { state, values } = cases[name]!;

  it("has the bits of PyTorch's arrays", () => {
    const optimizer = inModes(built(OPTIONS[name]), { epsilonMode: "outside", momentumMode: "torch" });
    loadPyTorch(read(name), optimizer);
    optimizer.trainableVariables.forEach((variable, i) => {
      for (const [slot, key] of Object.entries(NAMES)) {
        const kept = optimizer.slot(slot as keyof typeof NAMES, variable);
        expect(kept && hex(kept), slot).toBe(state[i]![key] === undefined ? null : hex(floats(state[i]![key]!)));
      }
      expect(hex(variable.value)).toBe(hex(floats(values[0]![i]!)));
    });
    expect(optimizer.rawIterations).toBe(4);
  });
});

it.each([
  ["zero-eps", 0.01],
  ["zero-eps-centered", 0.02],
] as const)("%s goes on as in PyTorch, but for the last bits", (name, rate) => {
  const { gradients, values } = cases[name]!;
  const optimizer = built(OPTIONS[name]);
  loadPyTorch(read(name), optimizer);
  expect(optimizer.learningRate).toBe(Math.fround(rate));
  gradients.forEach((step, t) => {
    optimizer.apply(step.map(floats));
    optimizer.trainableVariables.forEach(({ value }, i) => {
      // Of numbers around 1, four units in the last place.
      const wanted = floats(values[t + 1]![i]!);
      for (const [j, number] of value.entries()) expect(Math.abs(number - wanted[j]!)).toBeLessThan(2 ** -21);
    });
  });
});

it("leaves the rate to a schedule", () => {
  const optimizer = built({ ...OPTIONS["zero-eps"], learningRate: (step) => 1 / (1 + step) });
  loadPyTorch(read("zero-eps"), optimizer);
  expect(optimizer.learningRate).toBe(Math.fround(1 / 5));
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
  const zero = () => built(OPTIONS["zero-eps"]);
  const file = (edit: Parameters<typeof edited>[1]) => edited(read("zero-eps"), edit);

  it.each<[string, () => Uint8Array, () => RMSprop, RegExp]>([
    [
      "ε outside the root",
      () => read("defaults"),
      () => built(OPTIONS.defaults),
      /eps \(1e-8\).*`epsilonMode: "outside"`/,
    ],
    ["the rate after the momentum", () => read("momentum"), () => built(OPTIONS.momentum), /`momentumMode: "torch"`/],
    [
      "L2 in the gradients",
      () => read("weight-decay"),
      () => inModes(built(OPTIONS["weight-decay"]), { epsilonMode: "outside" }),
      /weight_decay \(0.01\).*weight_decay = 0/,
    ],
    [
      "upwards",
      () => read("maximize"),
      () => inModes(built(OPTIONS.maximize), { epsilonMode: "outside" }),
      /negate.*maximize = False/,
    ],
    ["another rho", () => read("zero-eps"), () => built({ epsilon: 0 }), /alpha is 0.99.* rho 0.9: .*`rho: 0.99`/],
    ["another epsilon", () => read("zero-eps"), () => built({ rho: 0.99 }), /`epsilon: 0`/],
    ["another momentum", () => read("zero-eps"), () => built({ ...OPTIONS["zero-eps"], momentum: 1 }), /`momentum: 0`/],
    ["centering", () => read("zero-eps-centered"), () => built({ rho: 0.9, epsilon: 0 }), /`centered: true`/],
    [
      "an average",
      () => read("zero-eps"),
      () => built({ ...OPTIONS["zero-eps"], useEma: true }),
      /no average: .* without useEma/,
    ],
    ["fewer variables", () => read("zero-eps"), () => built(OPTIONS["zero-eps"], [[2, 3]]), /2 parameters.* with 1/],
    [
      "another shape",
      () => read("zero-eps"),
      () => built(OPTIONS["zero-eps"], [[3, 2], [2]]),
      /"0\/square_avg" has shape \[2,3\]; for variable ".*" it must be \[3,2\]/,
    ],
    ["no groups", () => fixture("python.safetensors"), zero, /no param_groups: .*docs\/pytorch.md/],
    [
      "groups of Adam",
      () => file((_, [group]) => delete group!["alpha"]),
      zero,
      /torch.optim.RMSprop: alpha must be a number/,
    ],
    ["two groups", () => file((_, groups) => groups.push({ ...groups[0], lr: 1, params: [] })), zero, /different lr/],
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
      "a step that is none",
      () => file((header) => Object.assign(header["0/step"]!, { dtype: "F16" })),
      zero,
      /F32 or I32.*"F16"/,
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

it("has 0 for a parameter that never had a gradient, and keeps values that the file has not", () => {
  const optimizer = built(OPTIONS["zero-eps"]);
  const [weight, bias] = optimizer.trainableVariables;
  weight!.value.fill(7);
  optimizer.slot("velocity", bias!)!.fill(7);
  loadPyTorch(fixture("no-gradient.safetensors"), optimizer);
  expect(hex(optimizer.slot("velocity", weight!)!)).toBe(hex(floats(cases["no-gradient"]!.state[0]!["square_avg"]!)));
  expect([...optimizer.slot("velocity", bias!)!]).toEqual([0, 0]);
  expect([...weight!.value]).toEqual([7, 7, 7, 7, 7, 7]);
  expect(optimizer.rawIterations).toBe(4);
});
