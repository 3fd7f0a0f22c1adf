// Broken and forged files: a reader returns what is in them or throws a typed error, and a failed load leaves the optimizer as it
// was.
import { readFileSync } from "node:fs";
import { crc32, gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { CheckpointError, RMSprop, StateError, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readKeras } from "rmsprop-wasm/keras";
import { loadPyTorch } from "rmsprop-wasm/pytorch";
import { anyNumber } from "./draws.mjs";

/** @typedef {(bytes: Uint8Array) => Uint8Array} Mutation */

const fixture = (/** @type {string} */ name) =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`../interop/fixtures/${name}.gz`, import.meta.url))));

function optimizer() {
  const variables = [
    new Variable([1, 2, 3], { name: "kernel", path: "dense/kernel" }),
    new Variable(
      [
        [4, 5],
        [6, 7],
      ].flat(),
      { name: "bias", shape: [2, 2] },
    ),
  ];
  const built = new RMSprop({ momentum: 0.9, useEma: true, name: "optimizer" });
  built.build(variables);
  built.apply([
    [1, 2, 3],
    [1, 2, 3, 4],
  ]);
  return { built, variables };
}

/** @param {ReturnType<typeof optimizer>} training */
const stateOf = ({ built, variables }) =>
  JSON.stringify([
    built.rawIterations,
    built.variables.map(({ value }) => [...value]),
    variables.map(({ value }) => [...value]),
  ]);

/** @type {fc.Arbitrary<unknown>} */
const value = fc.oneof(
  anyNumber,
  fc.constantFrom(
    null,
    true,
    "F32",
    "F64",
    "",
    "__proto__",
    [],
    {},
    [0, 4],
    [-1, 4],
    [0, 2 ** 53],
    [3],
    [2, 2],
    [0, 2 ** 53],
  ),
  fc.string({ maxLength: 8 }),
);

/** Changes one value or key somewhere in JSON; `path` chooses where. @param {unknown} json @param {readonly number[]} path @param {unknown} by @param {boolean} isKey @returns {unknown} */
function changed(json, path, by, isKey) {
  const [choice, ...rest] = path;
  if (choice === undefined || typeof json !== "object" || json === null) return by;
  if (Array.isArray(json))
    return json.map((item, i) => (i === choice % Math.max(1, json.length) ? changed(item, rest, by, isKey) : item));
  const entries = Object.entries(json);
  const chosen = choice % Math.max(1, entries.length);
  return Object.fromEntries(
    entries.map(([key, item], i) => {
      if (i !== chosen) return [key, item];
      return isKey && rest.length === 0 ? [String(by), item] : [key, changed(item, rest, by, isKey)];
    }),
  );
}

/** A safetensors file with another header, and the right checksum if it had one. @param {Uint8Array} bytes @param {(header: string) => string} change */
function withHeader(bytes, change) {
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = Buffer.from(change(Buffer.from(bytes.subarray(8, end)).toString("utf8").trimEnd()), "utf8");
  const result = Buffer.alloc(8 + text.length + bytes.length - end);
  result.writeBigUInt64LE(BigInt(text.length));
  text.copy(result, 8);
  result.set(bytes.subarray(end), 8 + text.length);
  const at = result.indexOf('"checksum":"');
  if (at >= 0 && at + 20 < 8 + text.length) {
    result.write("00000000", at + 12);
    result.write(crc32(result).toString(16).padStart(8, "0"), at + 12);
  }
  return new Uint8Array(result);
}

/** @type {fc.Arbitrary<Mutation>} */
const bytewise = fc.oneof(
  fc
    .tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.integer({ min: 1, max: 255 }))
    .map(([where, bits]) => (/** @type {Uint8Array} */ bytes) => {
      const copy = bytes.slice();
      const at = Math.floor(where * copy.length);
      copy[at] = (copy[at] ?? 0) ^ bits;
      return copy;
    }),
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((part) => (/** @type {Uint8Array} */ bytes) => bytes.slice(0, Math.floor(part * bytes.length))),
  fc
    .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.uint8Array({ minLength: 1, maxLength: 9 }))
    .map(([where, more]) => (/** @type {Uint8Array} */ bytes) => {
      const at = Math.floor(where * bytes.length);
      return Uint8Array.from(Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]));
    }),
  fc
    .tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), anyNumber)
    .map(([where, number]) => (/** @type {Uint8Array} */ bytes) => {
      const copy = bytes.slice();
      if (copy.length < 8) return copy;
      new DataView(copy.buffer).setUint32(Math.floor(where * (copy.length - 8)), number >>> 0, true);
      return copy;
    }),
);

/** @type {fc.Arbitrary<Mutation>} */
const headerwise = fc.oneof(
  fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), value, fc.boolean()).map(
    ([path, by, isKey]) =>
      (/** @type {Uint8Array} */ bytes) =>
        withHeader(bytes, (header) => JSON.stringify(changed(JSON.parse(header), path, by, isKey)) ?? "null"),
  ),
  // A key twice, spaces, escapes: JSON that another writer could write, or nobody.
  fc
    .constantFrom(
      ['{"__metadata__":', '{"__metadata__":{},"__metadata__":'],
      [":", " : "],
      ['"dtype"', '"\\u0064type"'],
      ["{", "\n{"],
      ["]", ",]"],
    )
    .map(
      ([from, to]) =>
        (/** @type {Uint8Array} */ bytes) =>
          withHeader(bytes, (header) => header.replace(/** @type {string} */ (from), /** @type {string} */ (to))),
    ),
);

const KERAS = fixture("plain.keras");
const PYTORCH = fixture("momentum.safetensors");

/** What reads files, and a good file of its kind. */
const readers = {
  checkpoint: {
    good: (() => {
      const training = optimizer();
      const bytes = save(training.built);
      training.built.free();
      return bytes;
    })(),
    read: (/** @type {Uint8Array} */ bytes, /** @type {RMSprop} */ target) => load(bytes, target),
  },
  pytorch: {
    good: PYTORCH,
    read: (/** @type {Uint8Array} */ bytes, /** @type {RMSprop} */ target) => loadPyTorch(bytes, target),
  },
  keras: {
    good: KERAS,
    read: (/** @type {Uint8Array} */ bytes, /** @type {RMSprop} */ target) => {
      const file = readKeras(bytes);
      void [...file.weights.values()].length;
      file.loadOptimizer(target);
    },
  },
};

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "files",
  what: "mutated checkpoints, .keras and PyTorch files",
  property: () => {
    const kind = fc.constantFrom(...Object.keys(readers));
    const mutations = fc.array(fc.oneof(bytewise, headerwise), { minLength: 1, maxLength: 3 });
    return fc.property(kind, mutations, (name, list) => {
      const { good, read } = readers[/** @type {keyof typeof readers} */ (name)];
      /** @type {Uint8Array} */
      let bytes = good;
      for (const mutate of list) {
        try {
          bytes = mutate(bytes);
        } catch {
          // There is no header any more that could be changed.
        }
      }
      const training = optimizer();
      const before = stateOf(training);
      try {
        read(bytes, training.built);
      } catch (error) {
        if (!(error instanceof CheckpointError || error instanceof StateError)) throw error;
        if (stateOf(training) !== before) throw new Error(`The optimizer changed, although: ${error}`);
      } finally {
        training.built.free();
        for (const variable of training.variables) variable.free();
      }
    });
  },
};
