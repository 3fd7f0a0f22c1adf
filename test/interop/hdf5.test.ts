// Our reader of HDF5 on what h5py wrote (make_hdf5.py), on files that mean harm, and on altered ones.
import { CheckpointError } from "rmsprop-wasm";
import { readKeras } from "rmsprop-wasm/keras";
import { describe, expect, it } from "vitest";
import { errorOf, noise } from "../unit/support.js";
import { expectations, fixture } from "./fixtures.js";

const expected = expectations<Record<string, Record<string, [number[], number[]]>>>("hdf5/expected");
const read = (name: string) => readKeras(fixture(`hdf5/${name}`));

it.each(Object.keys(expected))("%s: every array of numbers", (name) => {
  const { weights } = read(name);
  for (const [path, [shape, values]] of Object.entries(expected[name]!)) {
    const weight = weights.get(path)!;
    expect(weight.shape, path).toEqual(shape);
    expect([...weight.value], path).toEqual(values);
  }
});

it("names types, layers, and what it cannot read", () => {
  const types = read("types.h5").weights;
  for (const dtype of ["float16", "float64", "int8", "uint32", "int64"]) {
    expect(types.get(`layers/dense/vars/${dtype}`)!.dtype).toBe(dtype);
  }
  expect(read("groups.h5").weights.get("layers/dense_7/vars/0")!.layer).toBe("été 7");
  for (const name of ["attributes.h5", "latest.h5"]) {
    expect(read(name).weights.get("layers/dense/vars/0")!.layer).toBe("dense");
  }
  const unusual = read("unusual.h5").weights;
  for (const [path, pattern] of [
    ["big", /big-endian float32/],
    ["text", /no numbers.*text/],
    ["flags", /enum/],
    ["pairs", /compound/],
    ["small", /compressed; Keras stores arrays as they are/],
  ] as const) {
    const error = errorOf(() => unusual.get(path)!.value);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
  }
});

describe("what means harm is an error, soon", () => {
  it.each([
    ["bomb.h5", /larger than the file/],
    ["links.h5", /linked more than once/],
    ["names.h5", /in itself, or its name too long/],
    // Not of Keras, and no harm: only not read.
    ["dense.h5", /keeps its links in a heap, which Keras does not do/],
  ])("%s", (name, pattern) => {
    const error = errorOf(() => read(name));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(pattern);
    expect(error.message.length).toBeLessThan(300);
  });

  it("an attribute of many strings of no length", () => {
    const bytes = Buffer.from(fixture("hdf5/attributes.h5"));
    // The attribute `list` has two strings of two bytes: of its type the size is at 12, of its shape the length at 24.
    const at = bytes.indexOf("list\0");
    expect([bytes[at + 8], bytes.readUInt32LE(at + 12), bytes.readBigUInt64LE(at + 24)]).toEqual([0x13, 2, 2n]);
    bytes.writeUInt32LE(0, at + 12);
    bytes.writeBigUInt64LE(100_000_000n, at + 24);
    // It is read if it is called as what Keras asks for.
    bytes.write("was", bytes.indexOf("name\0"));
    bytes.write("name", at);
    expect(errorOf(() => readKeras(bytes)).message).toMatch(/attribute "name" is too long/);
  });
});

/** Reads all that can be read; anything but an error that says what is wrong goes on. */
function readAll(bytes: Uint8Array): void {
  try {
    const { weights, optimizers } = readKeras(bytes);
    expect(optimizers.length).toBeLessThan(1000);
    for (const weight of weights.values()) {
      try {
        void weight.value;
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
  }
}

describe("altered files are read, or are CheckpointErrors", () => {
  const names = [
    ...["types", "chunked", "attributes", "latest", "v108", "unusual"].map((name) => `hdf5/${name}.h5`),
    "plain.weights.h5",
    "kinds/3.15.1-plain.h5",
    "kinds/2.15.0-legacy.h5",
  ];

  it.each(names)("%s, each byte in turn", { timeout: 120_000 }, (name) => {
    const bytes = Uint8Array.from(fixture(name));
    const step = Math.max(1, Math.floor(bytes.length / 4000));
    for (let at = 0; at < bytes.length; at += step) {
      const before = bytes[at]!;
      for (const value of [before ^ 0xff, before ^ 1]) {
        bytes[at] = value;
        readAll(bytes);
      }
      bytes[at] = before;
    }
  });

  it.each(names)("%s, with addresses that lead elsewhere", { timeout: 120_000 }, (name) => {
    const original = Buffer.from(fixture(name));
    // All words that could be addresses, each led to where others lead.
    const words: number[] = [];
    for (let at = 0; at + 8 <= original.length; at += 4) {
      const value = original.readBigUInt64LE(at);
      if (value > 0n && value < BigInt(original.length)) words.push(at);
    }
    const random = noise(4000, words.length);
    const pick = (i: number) =>
      words[Math.floor(((random[i % random.length]! + 1) / 2) * words.length) % words.length]!;
    for (let i = 0; i < 1500; i++) {
      const bytes = Buffer.from(original);
      for (let k = 0; k <= i % 3; k++) {
        bytes.writeBigUInt64LE(original.readBigUInt64LE(pick(7 * i + 2 * k)), pick(7 * i + 2 * k + 1));
      }
      readAll(bytes);
    }
  });

  it.each(names)("%s, cut off", (name) => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length += 97) readAll(bytes.subarray(0, length));
  });
});
