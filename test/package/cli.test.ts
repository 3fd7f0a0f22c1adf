// The command: what it says of files and of this machine, in both forms, and how it ends.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RMSprop, Variable } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fixture } from "../interop/fixtures.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { bin, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, bin["rmsprop-wasm"]), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

it("says what is in a checkpoint", () => {
  const optimizer = new RMSprop({ centered: true, name: "o" });
  optimizer.build([new Variable([1, 2, 3, 4], { path: "dense/kernel", shape: [2, 2] })]);
  const bytes = save(optimizer, { metadata: { epoch: "7" }, arrays: { lossCurve: Float32Array.of(1, 2) } });
  const path = file("run.safetensors", bytes);
  const { status, stdout } = run("inspect", path);
  expect(status).toBe(0);
  for (const line of [
    "kind: checkpoint",
    "  - dense/kernel, shape [2, 2], slots [velocity, average_gradient]",
    "  epoch: 7",
    "  - lossCurve, type Float32Array, length 2",
    "  iteration: 0",
    "  centered: true",
  ]) {
    expect(stdout.split("\n")).toContain(line);
  }
  expect(JSON.parse(run("inspect", path, "--json").stdout)).toMatchObject({
    kind: "checkpoint",
    bytes: bytes.length,
    optimizer: { name: "o", centered: true },
    variables: [{ path: "dense/kernel", shape: [2, 2], slots: ["velocity", "average_gradient"] }],
    metadata: { epoch: "7" },
    arrays: [{ path: "lossCurve", type: "Float32Array", length: 2 }],
  });
  bytes[bytes.length - 1]! ^= 1;
  const altered = run("inspect", "--json", file("altered", bytes));
  expect(altered.status).toBe(1);
  expect(JSON.parse(altered.stderr)).toMatchObject({ error: "CheckpointError" });
});

it("says what is in files of others", () => {
  const torch = JSON.parse(run("inspect", "--json", file("torch", fixture("momentum.safetensors"))).stdout);
  expect(torch).toMatchObject({ kind: "safetensors", metadata: { param_groups: expect.any(String) } });
  expect(torch.tensors).toContainEqual({ path: "0/square_avg", dtype: "F32", shape: [3, 7] });
  for (const name of ["3.15.1-mixed.keras", "2.15.0-legacy.h5", "3.4.1-two.weights.h5"]) {
    const model = JSON.parse(run("inspect", "--json", file(name, fixture(`kinds/${name}`))).stdout);
    expect(model.kind).toBe("keras");
    expect(model.weights[0].shape).toEqual([3, 2]);
    expect(model.optimizers.length).toBeGreaterThan(0);
  }
});

it("says what state a model's optimizer has", () => {
  const model = (name: string) => JSON.parse(run("inspect", "--json", file(name, fixture(`kinds/${name}`))).stdout);
  expect(model("3.15.1-full.keras")).toMatchObject({
    version: "3.15.1",
    state: { scalars: { iteration: expect.any(Number) }, slots: expect.arrayContaining(["velocity", "momentum"]) },
  });
  expect(model("3.15.1-mixed.h5").state).toMatchObject({
    scalars: { dynamic_scale: expect.any(Number) },
    inner: { iteration: expect.any(Number) },
  });
  expect(model("3.15.1-untrained.keras").state.slots).toEqual([]);
  expect(model("3.4.1-two.weights.h5").state).toMatch(/does not say what its optimizer was/);
});

it("prints no character that a terminal obeys", () => {
  const optimizer = new RMSprop();
  optimizer.build([new Variable([1], { path: "red\u001b[31m\u202e\n" })]);
  const path = file("hostile", save(optimizer, { metadata: { "e\u009b": "\u0007" } }));
  const { stdout } = run("inspect", path);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them.
  const obeyed = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/;
  expect(stdout).not.toMatch(obeyed);
  expect(stdout).toContain("red\\u001b[31m\\u202e\\u000a, shape [1]");
  const json = run("inspect", path, "--json").stdout;
  expect(json).not.toMatch(obeyed);
  expect(JSON.parse(json)).toMatchObject({
    variables: [{ path: "red\u001b[31m\u202e\n" }],
    metadata: { "e\u009b": "\u0007" },
  });
});

it("says what works here, and tests it", () => {
  const { status, stdout } = run("doctor", "--json");
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ package: `rmsprop-wasm ${version}`, backend: "wasm-simd128" });
  expect(report.selfTest.map(({ backend, ok }: { backend: string; ok: boolean }) => [backend, ok])).toEqual([
    ["wasm", true],
    ["js", true],
  ]);
  expect(run("doctor").stdout).toMatch(/^ {2}- wasm, ok true, result [\da-f]{8}$/m);
});

it("ends with 1 for what cannot be read, 2 for other arguments", () => {
  expect(run("inspect", join(folder, "nowhere"))).toMatchObject({ status: 1, stdout: "" });
  expect(run("inspect", folder).status).toBe(1);
  expect(run("inspect", file("text", Buffer.from("no such file of anything"))).stderr).not.toMatch(/^ +at /m);
  for (const args of [[], ["inspect"], ["inspect", "a", "b"], ["doctor", "x"], ["other"]]) {
    expect(run(...args)).toMatchObject({ status: 2, stdout: "" });
  }
  expect(run("--help")).toMatchObject({ status: 0, stderr: "" });
});
