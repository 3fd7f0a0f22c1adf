// The step as one dispatch of WebGPU: a new buffer for the value, and the slots in place.

import { mapCoefficients } from "../../rule/coefficients.js";
import { type Arrays, step } from "../../rule/rmsprop.js";
import type { TensorInfo } from "../tensorflow.js";
import type { Kernel } from "./kernel.js";
import { type Language, Shader } from "./shader.js";

/** Of tfjs' backend what is used here; programs as `WebGPUProgram` of its source. */
interface Backend {
  runWebGPUProgram(program: object, inputs: TensorInfo[], dtype: string, uniforms: object[]): TensorInfo;
}

const WORKGROUP = 64;

// `isnan` is tfjs' own, by the bits: WGSL lets compilers take it that there is no NaN.
const WGSL: Language = {
  declare: "let",
  positive: (name, a, least) => `let ${name} = select(${a}, ${least}, ${a} <= 0.0 && !isnan(${a}));`,
  clamp: (name, a, limit) => `let ${name} = select(clamp(${a}, -${limit}, ${limit}), ${a}, isnan(${a}));`,
};

const SLOTS = ["velocity", "averageGradient", "momentum", "average"] as const;

/** A slot as it can be written: a second variable at the binding that tfjs declares for reading. */
const writable = (name: string) => `${name}_`;

/**
 * At most 8 storage buffers, which every device has: the value written, the value read, the gradient, four slots, the norm. Nobody
 * else may hold the slots' buffers.
 */
export const webgpu: Kernel<Backend> = (backend, form, coefficients, arrays) => {
  const { shape } = arrays.value;
  const size = shape.reduce((product, length) => product * length, 1);
  const names = Object.keys(arrays) as (keyof Arrays<unknown>)[];
  const slots = SLOTS.filter((slot) => names.includes(slot));

  const shader = new Shader(WGSL);
  const c = mapCoefficients(coefficients, (name) => (name === "zero" ? "0.0" : `uniforms.${name}`));
  const read = (name: keyof Arrays<unknown>) =>
    name === "norm" ? "norm[0]" : `${(slots as readonly string[]).includes(name) ? writable(name) : name}[i]`;
  const old = Object.fromEntries(names.map((name) => [name, read(name)]));
  const updated = step(shader, form, c, old as unknown as Arrays<string>);
  const declarations = slots.map(
    (slot) =>
      `@group(0) @binding(${1 + names.indexOf(slot)}) var<storage, read_write> ${writable(slot)}: array<f32>;\n`,
  );
  const writes = slots.map((slot) => `  ${writable(slot)}[i] = ${updated[slot]};\n`);
  const code = `${declarations.join("")}fn main(i : i32) {
  if (i >= uniforms.size) { return; }
${shader.code}${writes.join("")}  result[i] = ${updated.value};
}`;

  const uniforms = Object.entries(coefficients).filter(([name]) => isRead(code, name));
  const program = {
    variableNames: names,
    outputShape: [size],
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(size / WORKGROUP), 1, 1],
    size: true,
    uniforms: uniforms.map(([name]) => `${name} : f32,`).join(" "),
    shaderKey: code,
    getUserCode: () => code,
  };
  const inputs = names.map((name) => ({
    ...(arrays[name] as TensorInfo),
    shape: name === "norm" ? [] : [size],
  }));
  const { dataId } = backend.runWebGPUProgram(
    program,
    inputs,
    "float32",
    uniforms.map(([, value]) => ({ type: "float32", data: [value] })),
  );
  return { value: { dataId, shape, dtype: "float32" } };
};

/** Whether the code reads this uniform. */
const isRead = (code: string, name: string) => new RegExp(`uniforms\\.${name}\\b`).test(code);
