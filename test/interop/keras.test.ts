// Files that the real Keras wrote: what is loaded has their bits, and what does not fit is refused with its reason.
import {
  CheckpointError,
  type LossScaleConfig,
  LossScaleOptimizer,
  RMSprop,
  type RMSpropConfig,
  StateError,
  Variable,
} from "rmsprop-wasm";
import { load } from "rmsprop-wasm/checkpoint";
import { exportNpz, exportSafetensors, readKeras } from "rmsprop-wasm/keras";
import { describe, expect, it } from "vitest";
import { errorOf, stateOf } from "../unit/support.js";
import { bytesOf, expectations, fixture, hex, type Recorded } from "./fixtures.js";

interface Expected {
  readonly optimizer: { readonly class_name: string; readonly config: RMSpropConfig | LossScaleConfig };
  readonly variables: readonly Recorded[];
  readonly weights: readonly Recorded[];
}
const expected = expectations<{ plain: Expected; scaled: Expected }>("keras");

/** Where the weights of the model are in the file. */
const PATHS = ["layers/dense/vars/0", "layers/dense/vars/1", "layers/dense_1/vars/0", "layers/dense_1/vars/1"];
const SHAPES = [[3, 2], [2], [2, 1], [1]];

const variablesOf = (shapes = SHAPES) =>
  shapes.map((shape, i) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return new Variable(new Float32Array(size), { name: `v${i}`, shape });
  });

function optimizerOf({ class_name, config }: Expected["optimizer"]): RMSprop | LossScaleOptimizer {
  return class_name === "RMSprop"
    ? RMSprop.fromConfig(config as RMSpropConfig)
    : LossScaleOptimizer.fromConfig(config as LossScaleConfig);
}

describe.each(["plain", "scaled"] as const)("%s", (name) => {
  const { optimizer: serialized, variables: state, weights } = expected[name];

  it.each(["keras", "weights.h5"])(".%s gives the optimizer's state and the weights, bit for bit", (kind) => {
    const options = kind === "keras" ? {} : { optimizer: JSON.stringify(serialized) };
    const file = readKeras(fixture(`${name}.${kind}`), options);
    expect(file.optimizer).toEqual(serialized);
    const variables = variablesOf();
    const optimizer = optimizerOf(serialized);
    optimizer.build(variables);
    file.loadOptimizer(optimizer);
    const own = name === "scaled" ? 2 : 0;
    expect(optimizer.variables.slice(own).map(({ value }) => hex(value))).toEqual(state.slice(own).map(bytesOf));
    expect(optimizer.rawIterations).toBe(5);

    file.loadVariables(Object.fromEntries(PATHS.map((path, i) => [path, variables[i]!])));
    expect(variables.map(({ value }) => hex(value))).toEqual(weights.map(bytesOf));
    expect([...file.weights.keys()].sort()).toEqual(PATHS);
    expect(file.weights.get(PATHS[2]!)).toMatchObject({ layer: "out", shape: [2, 1] });
  });
});

describe("what does not fit changes nothing, and the error says what and where", () => {
  const built = (optimizer: RMSprop | LossScaleOptimizer, shapes?: number[][]) => {
    optimizer.build(variablesOf(shapes));
    return optimizer;
  };
  const other = (change: object) => ({ optimizer: { ...expected.plain.optimizer, ...change } });
  const plain = (options: object = { optimizer: expected.plain.optimizer }) =>
    readKeras(fixture("plain.weights.h5"), options);

  it.each<[string, () => RMSprop | LossScaleOptimizer, RegExp]>([
    ["other slots", () => built(new RMSprop({ momentum: 0.5 })), /keeps velocity; this one keeps velocity, momentum/],
    [
      "a loss scale",
      () => built(new LossScaleOptimizer(new RMSprop())),
      /has no loss scale: load it into the `innerOptimizer`/,
    ],
    [
      "fewer variables",
      () => built(new RMSprop(), [[3, 2], [2]]),
      /trains 4 variables, this one was built with 2: build it with model.trainable_variables/,
    ],
    [
      "another shape",
      () => built(new RMSprop(), [[3, 2], [2], [1, 2], [1]]),
      /"optimizer\/vars\/4" has shape \[2,1\]; velocity of variable ".*" has \[1,2\]/,
    ],
  ])("%s", (_, make, pattern) => {
    const optimizer = make();
    const before = stateOf(optimizer, optimizer.trainableVariables);
    const error = errorOf(() => plain().loadOptimizer(optimizer));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
    expect(stateOf(optimizer, optimizer.trainableVariables)).toEqual(before);
  });

  it("a .weights.h5 does not say which options its optimizer had", () => {
    const error = errorOf(() => plain({}).loadOptimizer(built(new RMSprop())));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(/give `optimizer` to `readKeras`/);
  });

  it.each<[string, object, RegExp]>([
    ["Adam", other({ class_name: "Adam" }), /must be an RMSprop.*"Adam"/],
    ["text that is no JSON", { optimizer: "{" }, /is not JSON/],
    ["text that is no object", { optimizer: "1" }, /must be an object/],
  ])("its optimizer is given as %s", (_, options, pattern) => {
    const error = errorOf(() => plain(options).optimizer);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
  });

  it("weights are set all or none", () => {
    const [kernel, bias] = variablesOf();
    const file = plain();
    for (const [wrong, pattern] of [
      [{ "layers/dense/vars/7": bias! }, /no array "layers\/dense\/vars\/7", for variable "v1/],
      [{ "layers/dense_1/vars/0": bias! }, /has shape \[2,1\]; variable "v1.*" has \[2\]/],
    ] as const) {
      const error = errorOf(() => file.loadVariables({ "layers/dense/vars/0": kernel!, ...wrong }));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toMatch(pattern);
    }
    const counter = errorOf(() => file.loadVariables({ "optimizer/vars/0": new Variable(0) }));
    expect(counter.message).toMatch(/dtype int32; .* must have float32/);
    bias!.free();
    const paths = { "layers/dense/vars/0": kernel!, "layers/dense/vars/1": bias! };
    expect(() => file.loadVariables(paths)).toThrow(StateError);
    expect([...kernel!.value]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("an optimizer that is not built has nowhere to put it", () => {
    expect(() => plain().loadOptimizer(new RMSprop())).toThrow(StateError);
  });
});

describe("a broken file", () => {
  const archive = fixture("plain.keras");

  it("is found wherever a byte of a member changes, and whatever else does, it is a CheckpointError or harmless", () => {
    const intact = readKeras(archive);
    // All of the records at the end, and one byte of each few before.
    for (let offset = 0; offset < archive.length; offset += offset < archive.length - 400 ? 17 : 1) {
      const altered = Uint8Array.from(archive);
      altered[offset]! ^= 0x41;
      try {
        const file = readKeras(altered);
        expect(file.optimizer, `byte ${offset}`).toEqual(intact.optimizer);
        expect(file.weights, `byte ${offset}`).toEqual(intact.weights);
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }
  }, 60_000);

  it.each([0, 3, 21, 100, 5000, archive.length - 1])("is found when %i bytes are left of it", (length) => {
    expect(() => readKeras(archive.subarray(0, length))).toThrow(CheckpointError);
  });

  it("is found as HDF5 too", () => {
    const bytes = fixture("plain.weights.h5");
    for (const length of [8, 100, 1000, 3000]) {
      expect(() => readKeras(bytes.subarray(0, length)), String(length)).toThrow(CheckpointError);
    }
  });

  it("says how to get one that is not compressed", () => {
    const altered = Uint8Array.from(archive);
    const central = Buffer.from(altered.buffer).indexOf("PK\x01\x02", "latin1");
    altered[central + 10] = 8;
    expect(() => readKeras(altered)).toThrow(/compressed.*with Keras again/);
  });
});

it.each<[string, () => unknown, string]>([
  ["bytes", () => readKeras("text" as unknown as Uint8Array), "bytes"],
  ["a path that is none", () => readKeras(new Uint8Array(), { optimizerPath: 5 as never }), "optimizerPath"],
  ["a configuration that is none", () => readKeras(new Uint8Array(), { optimizer: [] }), "optimizer"],
  ["an option", () => readKeras(new Uint8Array(), { config: {} } as object), "options"],
  ["an option that the file has", () => readKeras(fixture("plain.keras"), { optimizer: {} }), "optimizer"],
  ["what is exported", () => exportNpz({} as []), "variables"],
])("says which argument is wrong: %s", (_, call, argument) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(`\`${argument}\``);
});

describe("a checkpoint that Python's safetensors wrote in our names", () => {
  it.each([
    ["python", /no checksum: `save` of rmsprop-wasm did not write this file/],
    ["python-checksum", /truncated or altered: its checksum is "0123abcd"/],
  ])("%s is refused: nothing proves that it is whole", (name, pattern) => {
    const optimizer = new RMSprop();
    optimizer.build([new Variable([0, 0], { name: "w", path: "w" })]);
    const error = errorOf(() => load(fixture(`${name}.safetensors`), optimizer));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
  });
});

it("exports arrays of every shape and both types, always with the same bytes", () => {
  const variables = [
    { path: "a", shape: [], value: Int32Array.of(-7) },
    { path: "b/c", shape: [3], value: Float32Array.of(1.5, -0, 2) },
    { path: "é", shape: [0, 4], value: new Float32Array() },
  ];
  const npz = Buffer.from(exportNpz(variables));
  expect(npz.includes("{'descr': '<i4', 'fortran_order': False, 'shape': (), }")).toBe(true);
  expect(npz.includes("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }")).toBe(true);
  expect(exportNpz(variables)).toEqual(exportNpz(variables));
  const bytes = exportSafetensors(variables);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
    __metadata__: { 0: "a", 1: "b/c", 2: "é" },
    0: { dtype: "I32", shape: [], data_offsets: [0, 4] },
    1: { dtype: "F32", shape: [3], data_offsets: [4, 16] },
    2: { dtype: "F32", shape: [0, 4], data_offsets: [16, 16] },
  });
});

it("exports nothing but variables", () => {
  for (const write of [exportNpz, exportSafetensors]) {
    for (const wrong of [null, 1, {}, undefined, { path: "w", shape: [1], value: [1] }]) {
      expect(errorOf(() => write([wrong as never])).message).toMatch(/`variables\[0\]` must be a variable; received/);
    }
    expect(errorOf(() => write(new Array(1))).message).toMatch(/`variables\[0\]`/);
  }
});

describe("a file that means harm is an error, soon", () => {
  /** An HDF5 file of groups and no more, each of which has `names` as links to the next one. */
  function ladder(rungs: number, names: readonly string[]): Uint8Array {
    const group = 16 + names.length * 24;
    const bytes = new Uint8Array(96 + rungs * group);
    const view = new DataView(bytes.buffer);
    bytes.set([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
    // A superblock of version 0: offsets and lengths have 8 bytes, and where the root is.
    bytes.set([8, 8], 13);
    view.setBigUint64(64, 96n, true);
    for (let rung = 0; rung < rungs; rung++) {
      const at = 96 + rung * group;
      view.setUint8(at, 1);
      view.setUint16(at + 2, rung + 1 < rungs ? names.length : 0, true);
      view.setUint32(at + 8, names.length * 24, true);
      names.forEach((name, i) => {
        // A message of 16 bytes: a link, with a name of one letter and the address of a group.
        const message = at + 16 + i * 24;
        bytes.set([6, 0, 16, 0, 0, 0, 0, 0, 1, 0, 1, name.charCodeAt(0)], message);
        view.setBigUint64(message + 12, BigInt(at + group), true);
      });
    }
    return bytes;
  }

  it("groups with several links each, to be reached in 2³⁹ ways", () => {
    expect(readKeras(ladder(40, ["a"])).weights.size).toBe(0);
    const error = errorOf(() => readKeras(ladder(40, ["a", "b"])));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(/linked more than once/);
  });

  it("an array larger than its file", () => {
    const bytes = fixture("plain.weights.h5");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    // Every dataspace of 3 by 2 becomes one of 2³⁰ by 2.
    for (let at = 0; at + 16 <= bytes.length; at++) {
      if (view.getBigUint64(at, true) === 3n && view.getBigUint64(at + 8, true) === 2n)
        view.setBigUint64(at, 2n ** 30n, true);
    }
    const error = errorOf(() => readKeras(bytes).weights);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(/of shape \[1073741824,2\] is larger than the file/);
  });

  it("a configuration that is null", () => {
    const file = readKeras(fixture("plain.weights.h5"), { optimizer: { class_name: "RMSprop", config: null } });
    expect(errorOf(() => file.optimizer)).toBeInstanceOf(CheckpointError);
  });

  it("an archive in which many members are the same bytes", () => {
    const size = 1000;
    const bytes = new Uint8Array(31 + size + 2 * 47 + 22);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x04034b50, true);
    view.setUint16(26, 1, true);
    for (const [i, at] of [31 + size, 31 + size + 47].entries()) {
      view.setUint32(at, 0x02014b50, true);
      // The checksum of 1,000 zeros.
      view.setUint32(at + 16, 0x060b1780, true);
      view.setUint32(at + 20, size, true);
      view.setUint32(at + 24, size, true);
      view.setUint16(at + 28, 1, true);
      bytes[at + 46] = 0x61 + i;
    }
    const end = bytes.length - 22;
    view.setUint32(end, 0x06054b50, true);
    view.setUint16(end + 10, 2, true);
    view.setUint32(end + 16, 31 + size, true);
    expect(errorOf(() => readKeras(bytes)).message).toMatch(/members overlap/);
  });
});
