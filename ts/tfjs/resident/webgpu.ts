// The step as one dispatch of WebGPU: a new buffer for the value, and the slots in place.

import { mapCoefficients } from "../../rule/coefficients.js";
import { conditionalStep } from "../../rule/conditional.js";
import { type Arrays, step } from "../../rule/rmsprop.js";
import { sizeOf } from "../../support/size-of.js";
import type { TensorInfo } from "../tensorflow.js";
import { withControls } from "./controls.js";
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
  where: (name, flag, a, b) => `let ${name} = select(${b}, ${a}, ${flag} != 0.0);`,
};

/** A slot as it can be written: a second variable at the binding that tfjs declares for reading. */
const writable = (name: string) => `${name}_`;

/**
 * At most 8 storage buffers, which every device has: the value written, the value read, the gradient, four slots, and the norm or
 * the controls, not both. Nobody else may hold the slots' buffers.
 */
export const webgpu: Kernel<Backend> = (backend, form, coefficients, arrays, controls) => {
  const { value, gradient, norm, ...state } = arrays;
  const { shape } = value;
  const size = sizeOf(shape);
  const names = Object.keys(arrays) as (keyof Arrays<unknown>)[];
  const slots = Object.keys(state) as (keyof typeof state)[];

  const shader = new Shader(WGSL);
  const uniform = (name: string) => (name === "zero" ? "0.0" : `uniforms.${name}`);
  const dynamic = controls && withControls(coefficients, form.overwrites, (i) => `controls[${i}]`, uniform);
  const read = (name: keyof Arrays<unknown>) =>
    name === "norm" ? "norm[0]" : `${(slots as readonly string[]).includes(name) ? writable(name) : name}[i]`;
  const old = Object.fromEntries(names.map((name) => [name, read(name)]));
  const texts = old as unknown as Arrays<string>;
  const updated = dynamic
    ? conditionalStep(shader, form, dynamic.scalars, dynamic.flags, texts)
    : step(shader, form, mapCoefficients(coefficients, uniform), texts);
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
    variableNames: controls ? [...names, "controls"] : names,
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
  if (controls) inputs.push({ ...controls, shape: [...controls.shape] });
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
