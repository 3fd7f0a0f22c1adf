// The step on WebGL: a program for each array that is written, because a program has one output.

import { type CoefficientName, type Coefficients, mapCoefficients } from "../../rule/coefficients.js";
import { type ConditionalArithmetic, conditionalAverage, type Flags, overwritten } from "../../rule/conditional.js";
import { average, penalized, prepared, STATE, type State, value } from "../../rule/rmsprop.js";
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

  /** A program that writes what `formula` makes of these tensors, of which it need not read all. */
  const run = <Inputs extends Tensors>(inputs: Inputs, formula: Formula<keyof Inputs>): TensorInfo => {
    const given = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] !== undefined);
    const shader = new Shader(GLSL);
    const names = Object.fromEntries(given.map(([name]) => [name, name === "norm" ? "norm.x" : name]));
    const result = formula(shader, scalars, names as Record<keyof Inputs, string>, flags);
    const lines = `${shader.code}  vec4 r = ${result};`;
    const isRead = (name: string) => new RegExp(`\\b${name}\\b`).test(lines);
    const tensors = given.filter(([name]) => isRead(name));
    const code = `${tensors.map(([name]) => `  vec4 ${name} = get${variable(name)}AtOutCoords();\n`).join("")}${lines}`;
    const uniforms = (Object.keys(coefficients) as CoefficientName[]).filter(isRead);
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

  const { value: w, gradient: given, norm, average: e } = arrays;
  let gradient = given;
  if (form.divides || form.clips !== "no" || form.penalizes) {
    gradient = run({ gradient, norm, w }, (x, c, names) =>
      penalized(x, form, c, prepared(x, form, c, names.gradient, names.norm), names.w),
    );
  } else if (backend.packTensor && !backend.texData.get(gradient.dataId).isPacked) {
    // Once: else each program packs it anew.
    gradient = backend.packTensor(gradient);
  }
  let state: State<TensorInfo> = {};
  for (const [slot, formula] of STATE) {
    const own = arrays[slot];
    if (own === undefined) continue;
    const made = run({ gradient, own, ...state }, (x, c, { gradient: g, own, ...names }) =>
      updated(x, formula(x, form, c, g, own, names), own),
    );
    state = { ...state, [slot]: made };
  }
  let newW = run({ gradient, w, ...state }, (x, c, { gradient: g, w, ...names }) =>
    updated(x, value(x, form, c, g, w, names), w),
  );
  const newE =
    e && run({ w: newW, e }, (x, c, { w, e }) => (flags ? conditionalAverage(x, c, flags, e, w) : average(x, c, e, w)));
  if (gradient !== given) backend.disposeIntermediateTensorInfo(gradient);
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
  return { ...state, value: newW, average: newE };
};

/** The name of a tensor in tfjs' code, which makes `get${name}AtOutCoords` of one with a capital letter. */
const variable = (name: string) => `I${name}`;

/** An element of the vector of controls; a texel holds two. */
const control = (index: number) => `get${variable("controls")}(${index}).${index % 2 === 0 ? "x" : "y"}`;
