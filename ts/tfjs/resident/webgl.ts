// The step on WebGL: a program for each array that is written, because a program has one output.

import { type CoefficientName, type Coefficients, mapCoefficients } from "../../rule/coefficients.js";
import { type ConditionalArithmetic, conditionalAverage, type Flags, overwritten } from "../../rule/conditional.js";
import {
  average,
  averageGradient,
  increment,
  momentum,
  penalized,
  prepared,
  value,
  velocity,
} from "../../rule/rmsprop.js";
import type { TensorInfo } from "../tensorflow.js";
import { withControls } from "./controls.js";
import type { Kernel } from "./kernel.js";
import { type Language, Shader } from "./shader.js";

/** Of tfjs' backend what is used here; programs as `GPGPUProgram` of its source. */
interface Backend {
  runWebGLProgram(
    program: object,
    inputs: TensorInfo[],
    dtype: string,
    uniforms: number[][],
    preventEagerUnpacking: boolean,
  ): TensorInfo;
  disposeIntermediateTensorInfo(tensor: TensorInfo): void;
  incRef(dataId: object): void;
  readonly texData: { get(dataId: object): { readonly isPacked?: boolean } };
  packTensor?(tensor: TensorInfo): TensorInfo;
}

const LANES = ["x", "y", "z", "w"] as const;

// Lane by lane: `mix` of GLSL with a weight of 1 is not exact, and WebGL 1 has none with a condition.
const each = (name: string, a: string, choose: (lane: string) => string) =>
  `vec4 ${name} = ${a}; ${LANES.map((lane) => choose(`${name}.${lane}`)).join(" ")}`;

// `isnan` is tfjs' own, by the bits where there are any: compilers may take comparisons for `min` and `max`.
const GLSL: Language = {
  declare: "vec4",
  positive: (name, a, least) => each(name, a, (x) => `if (${x} <= 0.0 && !isnan(${x})) ${x} = ${least};`),
  clamp: (name, a, limit) => each(name, a, (x) => `if (!isnan(${x})) ${x} = clamp(${x}, -${limit}, ${limit});`),
  where: (name, flag, a, b) => `vec4 ${name} = ${b}; if (${flag} != 0.0) ${name} = ${a};`,
};

/** Texels hold blocks of two by two elements: what is outside the tensor must be 0, for sums are taken over all. */
function mask(shape: readonly number[]): string {
  const rank = shape.length;
  if (shape.every((length) => length === 1)) return "r.yzw = vec3(0.0);";
  if (rank === 1) return `if (getOutputCoords() + 1 >= ${shape[0]}) r.y = 0.0; r.zw = vec2(0.0);`;
  const at = (i: number) => `coords.${"xyzwuv"[i]}`;
  return `ivec${rank} coords = getOutputCoords();
  if (${at(rank - 1)} + 1 >= ${shape[rank - 1]}) r.yw = vec2(0.0);
  if (${at(rank - 2)} + 1 >= ${shape[rank - 2]}) r.zw = vec2(0.0);`;
}

/** A formula over the names of tensors; `flags` are there if the device decides what the step does. */
type Formula<Name extends PropertyKey> = (
  x: ConditionalArithmetic<string>,
  c: Coefficients<string>,
  names: Record<Name, string>,
  flags: Flags<string> | undefined,
) => string;

export const webgl: Kernel<Backend> = (backend, form, coefficients, arrays, controls) => {
  const { shape } = arrays.value;
  type Tensors = Readonly<Record<string, TensorInfo | undefined>>;
  const uniform = (name: CoefficientName) => (name === "zero" ? "0.0" : name);
  const { flags, scalars } = controls
    ? withControls(coefficients, form.overwrites, control, uniform)
    : { flags: undefined, scalars: mapCoefficients(coefficients, uniform) };

  /** A program that writes what `formula` makes of these tensors. */
  const run = <Inputs extends Tensors>(inputs: Inputs, formula: Formula<keyof Inputs>): TensorInfo => {
    const tensors = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] !== undefined);
    const shader = new Shader(GLSL);
    const names = Object.fromEntries(tensors.map(([name]) => [name, name === "norm" ? "norm.x" : name]));
    const result = formula(shader, scalars, names as Record<keyof Inputs, string>, flags);
    const code = `${tensors.map(([name]) => `  vec4 ${name} = get${variable(name)}AtOutCoords();\n`).join("")}${shader.code}  vec4 r = ${result};`;
    const uniforms = (Object.keys(coefficients) as CoefficientName[]).filter((name) =>
      new RegExp(`\\b${name}\\b`).test(code),
    );
    if (controls && code.includes(`get${variable("controls")}(`)) tensors.push(["controls", controls]);
    const program = {
      variableNames: tensors.map(([name]) => variable(name)),
      packedInputs: true,
      packedOutput: true,
      outputShape: [...shape],
      customUniforms: uniforms.map((name) => ({ name, type: "float" })),
      userCode: `void main() {
${code}
  ${mask(shape)}
  setOutput(r);
}`,
    };
    return backend.runWebGLProgram(
      program,
      tensors.map(([, tensor]) => tensor),
      "float32",
      uniforms.map((name) => [coefficients[name]]),
      true,
    );
  };
  /** `a`; where the device decides, `b` if it does not update. */
  const updated = (x: ConditionalArithmetic<string>, a: string, b: string) =>
    flags ? x.where(flags.updates, a, b) : a;

  const { norm, velocity: v, averageGradient: a, momentum: m, average: e } = arrays;
  let { gradient } = arrays;
  if (form.divides || form.clips !== "no" || form.penalizes) {
    const w = form.penalizes ? arrays.value : undefined;
    gradient = run({ g: gradient, norm, w }, (x, c, names) =>
      penalized(x, form, c, prepared(x, form, c, names.g, names.norm), names.w),
    );
  } else if (backend.packTensor && !backend.texData.get(gradient.dataId).isPacked) {
    // Once: else each program packs it anew.
    gradient = backend.packTensor(gradient);
  }
  const newV = run({ g: gradient, v }, (x, c, { g, v }) => updated(x, velocity(x, c, g, v), v));
  const newA = a && run({ g: gradient, a }, (x, c, { g, a }) => updated(x, averageGradient(x, c, g, a), a));
  const delta = { g: gradient, v: newV, a: newA };
  const newM =
    m &&
    run({ ...delta, m }, (x, c, { g, v, a, m }) =>
      updated(x, momentum(x, c, m, increment(x, form, c, g, v, newA && a)), m),
    );
  let newW = newM
    ? run({ w: arrays.value, m: newM }, (x, c, { w, m }) => updated(x, value(x, form, c, w, m), w))
    : run({ w: arrays.value, ...delta }, (x, c, { w, g, v, a }) =>
        updated(x, value(x, form, c, w, increment(x, form, c, g, v, newA && a)), w),
      );
  const newE =
    e && run({ w: newW, e }, (x, c, { w, e }) => (flags ? conditionalAverage(x, c, flags, e, w) : average(x, c, e, w)));
  if (gradient !== arrays.gradient) backend.disposeIntermediateTensorInfo(gradient);
  if (newE && form.overwrites) {
    const plain = newW;
    if (flags) {
      newW = run({ w: plain, e: newE }, (x, _, { w, e }) => overwritten(x, flags, w, e));
    } else {
      // Two tensors may share a texture: programs never write into one that exists.
      backend.incRef(newE.dataId);
      newW = { ...newE };
    }
    backend.disposeIntermediateTensorInfo(plain);
  }
  return { value: newW, velocity: newV, averageGradient: newA, momentum: newM, average: newE };
};

/** The name of a tensor in tfjs' code, which makes `get${name}AtOutCoords` of one with a capital letter. */
const variable = (name: string) => `I${name}`;

/** An element of the vector of controls; a texel holds two. */
const control = (index: number) => `get${variable("controls")}(${index}).${index % 2 === 0 ? "x" : "y"}`;
