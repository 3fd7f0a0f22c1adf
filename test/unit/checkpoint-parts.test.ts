// What a checkpoint holds beside the optimizer's state, a part of one, and what a file says without an optimizer.
import { crc32 } from "node:zlib";
import { CheckpointError, LossScaleOptimizer, RMSprop, Variable } from "rmsprop-wasm";
import { inspect, load, save } from "rmsprop-wasm/checkpoint";
import { loadPyTorch } from "rmsprop-wasm/pytorch";
import { describe, expect, it } from "vitest";
import { errorOf, stateOf } from "./support.js";

function built(paths: readonly string[], options = {}) {
  const variables = paths.map((path, i) => new Variable([i + 1, -i - 1], { name: "v", path }));
  const optimizer = new RMSprop({ name: "o", ...options });
  optimizer.build(variables);
  for (const { gradient } of variables) gradient.fill(1);
  optimizer.step();
  return { optimizer, variables };
}

describe("data of the user's", () => {
  const metadata = { epoch: "7", "": "", é: "ß\n\0😀", __proto__x: "1", iteration: "99", checksum: "00000000" };
  const arrays = {
    lossCurve: Float32Array.of(0.5, -0, Number.NaN, Number.POSITIVE_INFINITY),
    f64: Float64Array.of(Math.PI, 5e-324),
    i8: Int8Array.of(-128, 127),
    i16: Int16Array.of(-1),
    i32: Int32Array.of(2 ** 31 - 1),
    i64: BigInt64Array.of(-(2n ** 63n)),
    u8: Uint8Array.of(255, 0, 1),
    u16: Uint16Array.of(65535),
    u32: Uint32Array.of(2 ** 32 - 1),
    u64: BigUint64Array.of(2n ** 64n - 1n),
    empty: new Float32Array(),
    velocity: Float32Array.of(1),
  };

  it("comes back from `load` and `inspect`, bit for bit, as copies", () => {
    const { optimizer } = built(["w"]);
    const bytes = save(optimizer, { metadata, arrays });
    for (const found of [load(bytes, optimizer), inspect(bytes)]) {
      expect(found.metadata).toEqual(metadata);
      expect(Object.keys(found.arrays)).toEqual(Object.keys(arrays));
      for (const [name, array] of Object.entries(arrays)) {
        const copy = found.arrays[name]!;
        expect(copy.constructor).toBe(array.constructor);
        expect(Buffer.from(copy.slice().buffer).equals(Buffer.from(array.buffer)), name).toBe(true);
        expect(copy.buffer).not.toBe(bytes.buffer);
      }
    }
    expect(load(save(optimizer), optimizer)).toEqual({ metadata: {}, arrays: {}, missing: [], unexpected: [] });
  });

  it("changes nothing of the state, and no byte of a file without any", () => {
    const { optimizer, variables } = built(["w", "arrays/x", "arrays/x/velocity/y"]);
    const before = stateOf(optimizer, variables);
    const bytes = save(optimizer, { metadata, arrays });
    load(bytes, optimizer);
    expect(stateOf(optimizer, variables)).toEqual(before);
    expect(save(optimizer, { metadata: {}, arrays: {} })).toEqual(save(optimizer));
  });

  it("is not taken for a variable, nor a variable for it", () => {
    const { optimizer } = built(["arrays/a"]);
    expect(errorOf(() => save(optimizer, { arrays: { a: Float32Array.of(1, 2) } })).message).toMatch(/"arrays\/a"/);
    const bytes = save(built(["w"]).optimizer, {
      arrays: { a: Float32Array.of(1, 2), "a/velocity": Float32Array.of(1, 2) },
    });
    expect(errorOf(() => load(bytes, optimizer)).message).toMatch(/no tensor "arrays\/a"/);
    expect(inspect(bytes).variables.map(({ path }) => path)).toEqual(["w"]);
  });

  it("must be texts and typed arrays", () => {
    const { optimizer } = built(["w"]);
    for (const [options, pattern] of [
      [{ metadata: { epoch: 7 } }, /`metadata\["epoch"\]` must be a string; received 7/],
      [{ metadata: "epoch" }, /`metadata` must be an object/],
      [{ arrays: { a: [1, 2] } }, /`arrays\["a"\]` must be a typed array of numbers; received an array of 2/],
      [{ arrays: { a: new DataView(new ArrayBuffer(8)) } }, /`arrays\["a"\]`/],
      [{ array: {} }, /unknown key "array"/],
    ] as const) {
      const error = errorOf(() => save(optimizer, options as object));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(pattern);
    }
  });

  it("is found altered wherever a byte changes", () => {
    const { optimizer } = built(["w"]);
    const bytes = save(optimizer, { metadata, arrays });
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 0x11;
      expect(() => inspect(altered), `byte ${at}`).toThrow(CheckpointError);
    }
  });
});

describe("a part", () => {
  it("is loaded for a model with a new head", () => {
    const old = built(["body/kernel", "body/bias", "head/kernel"], { momentum: 0.9 });
    const { optimizer, variables } = built(["body/kernel", "body/bias", "new/kernel"], { momentum: 0.9 });
    for (const { gradient } of old.variables) gradient.fill(3);
    old.optimizer.step();
    const [, , head] = variables;
    const before = [head!.value.slice(), optimizer.slot("momentum", head!)!.slice()];
    const bytes = save(old.optimizer);
    const only = (path: string) => path.startsWith("body/");
    expect(() => load(bytes, optimizer)).toThrow(/no tensor "new\/kernel"/);
    expect(load(bytes, optimizer, { only })).toMatchObject({ missing: ["new/kernel"], unexpected: ["head/kernel"] });
    expect([head!.value, optimizer.slot("momentum", head!)]).toEqual(before);
    expect(variables[0]!.value).toEqual(old.variables[0]!.value);
    expect(optimizer.slot("momentum", variables[1]!)).toEqual(old.optimizer.slot("momentum", old.variables[1]!));
    expect(optimizer.rawIterations).toBe(2);
  });

  it("may leave out what has another shape, and must match in the rest", () => {
    const { optimizer } = built(["a", "b"]);
    const other = new RMSprop();
    const a = new Variable([1, 2], { path: "a" });
    const b = new Variable([1, 2, 3], { path: "b" });
    other.build([a, b]);
    const bytes = save(optimizer);
    const { missing, unexpected } = load(bytes, other, { only: (path) => path === "a" });
    expect([missing, unexpected]).toEqual([["b"], ["b"]]);
    const before = stateOf(other, [a, b]);
    expect(() => load(bytes, other, { only: (path) => path === "b" })).toThrow(/shape \[2\].*\[3\]/);
    expect(() => load(bytes, other, { only: () => 1 as never })).toThrow(
      /`only` must return true or false.*received 1|`only` must return true or false; for "a" it returned 1/,
    );
    expect(() => load(bytes, other, { only: "a" as never })).toThrow(/`only` must be a function of a variable's path/);
    expect(stateOf(other, [a, b])).toEqual(before);
  });

  it("of nothing sets counters and rates alone", () => {
    const { optimizer } = built(["a"]);
    const { optimizer: other } = built(["b"]);
    other.step();
    expect(load(save(other), optimizer, { only: () => false })).toMatchObject({ missing: ["a"], unexpected: ["b"] });
    expect(optimizer.rawIterations).toBe(2);
  });
});

it("says what is in a file without an optimizer", () => {
  const variables = [new Variable([1, 2, 3, 4], { path: "k", shape: [2, 2] }), new Variable(1, { path: "b" })];
  const optimizer = new LossScaleOptimizer(new RMSprop({ centered: true }), { initialScale: 8 });
  optimizer.build(variables);
  const found = inspect(save(optimizer, { includeVariables: false }));
  expect(found).toMatchObject({
    includesVariables: false,
    scalars: { iteration: 0, step_counter: 0, dynamic_scale: 8 },
    variables: [
      { path: "k", shape: [2, 2], slots: ["velocity", "average_gradient"] },
      { path: "b", shape: [], slots: ["velocity", "average_gradient"] },
    ],
  });
  expect(found.optimizer).toEqual(optimizer.getConfig());
  expect(found.checksum).toMatch(/^[\da-f]{8}$/);
});

it("does not save a shape that it would not load", () => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable([], { path: "w", shape: [0, 2 ** 53] })]);
  expect(errorOf(() => save(optimizer)).message).toMatch(
    /"w" has shape \[0,9007199254740992\]; files hold lengths up to/,
  );
});

it.each([1, 2, 7])("saves and loads a length of 2 ** 53 - %i", (below) => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable([], { path: "w", shape: [0, 2 ** 53 - below] })]);
  const bytes = save(optimizer);
  load(bytes, optimizer);
  expect(inspect(bytes).variables[0]?.shape).toEqual([0, 2 ** 53 - below]);
});

describe("headers of other writers", () => {
  const group = { lr: 0.01, alpha: 0.99, eps: 0, momentum: 0, centered: false, weight_decay: 0, params: [0] };
  const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const file = (header: string, data: Uint8Array) => {
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + text.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    bytes.set(data, 8 + text.length);
    return bytes;
  };
  const header = {
    __metadata__: { param_groups: JSON.stringify([group]) },
    "0/square_avg": entry("F32", [2], 0, 8),
    "0/step": entry("I64", [], 8, 16),
  };
  const data = new Uint8Array(16);
  new Float32Array(data.buffer, 0, 2).set([0.25, 4]);
  new BigInt64Array(data.buffer, 8, 1).set([11n]);
  const loaded = (text: string) => {
    const w = new Variable([1, 2], { path: "w" });
    const optimizer = new RMSprop({ rho: 0.99, epsilon: 0 });
    optimizer.build([w]);
    loadPyTorch(file(text, data), optimizer);
    return [...optimizer.slot("velocity", w)!, optimizer.rawIterations];
  };
  const plain = JSON.stringify(header);

  it.each([
    ["as it is", plain],
    ["white space before it", ` \n\t${plain}`],
    ["spaces as json.dumps writes them", JSON.stringify(header, null, 1)],
    ["escaped letters", plain.replace("square_avg", "squ\\u0061re\\u005favg").replace("dtype", "\\u0064type")],
    ["letters that need no escape", plain.replaceAll("0/", "0\\/")],
  ])("are read: %s", (_, text) => expect(loaded(text)).toEqual([0.25, 4, 11]));

  it.each([
    [
      "a repeated tensor",
      plain.replace('"0/step"', '"0/square_avg":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"0/step"'),
    ],
    [
      "one repeated with another spelling",
      plain.replace('"0/step"', '"0\\/square_avg":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"0/step"'),
    ],
    ["a repeated shape, balanced by an exponent", plain.replace('"shape":[2],', '"shape":[2e0],"shape":[2],')],
    ["a repeated text", plain.replace('{"param_groups"', '{"param_groups":"","param_groups"')],
    ["an unknown key", plain.replace('"dtype":"F32"', '"more":{"a":1},"dtype":"F32"')],
  ])("are refused: %s", (_, text) => {
    expect(errorOf(() => loaded(text))).toBeInstanceOf(CheckpointError);
  });
});

it("reads checksums and UTF-8 as others do", () => {
  // Through the files: neither is exported.
  const paths = [
    "\u0080",
    "\u07ff\u0800",
    "\ud7ff\ue000\uffff",
    "\u{10000}\u{10ffff}",
    "a".repeat(5000),
    "é".repeat(4099),
  ];
  const optimizer = new RMSprop();
  optimizer.build(paths.map((path) => new Variable(1, { name: "v", path })));
  const bytes = save(optimizer);
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start));
  const names = Object.keys(JSON.parse(text));
  for (const path of paths) expect(names).toContain(path);
  expect(
    inspect(bytes)
      .variables.map(({ path }) => path)
      .sort(),
  ).toEqual([...paths].sort());
  const { checksum } = JSON.parse(text).__metadata__;
  const zeroed = Buffer.from(bytes);
  zeroed.write("00000000", zeroed.indexOf(`"checksum":"${checksum}"`) + 12);
  expect(checksum).toBe(crc32(zeroed).toString(16).padStart(8, "0"));
});
