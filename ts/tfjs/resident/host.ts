// The step on the backends whose memory JavaScript sees: one loop over blocks of all arrays.

import { mapCoefficients } from "../../rule/coefficients.js";
import { type ConditionalArithmetic, conditionalStep } from "../../rule/conditional.js";
import { type Arrays, step, type Updated } from "../../rule/rmsprop.js";
import { sizeOf } from "../../support/size-of.js";
import type { TensorInfo } from "../tensorflow.js";
import { withControls } from "./controls.js";
import type { Kernel } from "./kernel.js";

/** Elements that are computed with at once: some twenty such arrays stay in the first cache. */
const BLOCK = 256;

/** Arithmetic on blocks: storing in a `Float32Array` is what rounds. The arrays it gives are used again after `restart`. */
class Blocks implements ConditionalArithmetic<Float32Array> {
  readonly #blocks: Float32Array[] = [];
  #used = 0;

  restart(): void {
    this.#used = 0;
  }

  #next(): Float32Array {
    if (this.#used === this.#blocks.length) this.#blocks.push(new Float32Array(BLOCK));
    return this.#blocks[this.#used++] as Float32Array;
  }

  // Loops of their own: one with the operation as a function calls it for each element.
  add(a: Float32Array, b: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = (a[i] as number) + (b[i] as number);
    return r;
  }

  sub(a: Float32Array, b: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = (a[i] as number) - (b[i] as number);
    return r;
  }

  mul(a: Float32Array, b: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = (a[i] as number) * (b[i] as number);
    return r;
  }

  div(a: Float32Array, b: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = (a[i] as number) / (b[i] as number);
    return r;
  }

  sqrt(a: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = Math.sqrt(a[i] as number);
    return r;
  }

  positive(a: Float32Array, least: Float32Array): Float32Array {
    const r = this.#next();
    for (let i = 0; i < BLOCK; i++) r[i] = ((a[i] as number) <= 0 ? least[i] : a[i]) as number;
    return r;
  }

  clamp(a: Float32Array, limit: Float32Array): Float32Array {
    const r = this.#next();
    const most = limit[0] as number;
    for (let i = 0; i < BLOCK; i++) r[i] = Math.max(-most, Math.min(a[i] as number, most));
    return r;
  }

  where(flag: Float32Array, a: Float32Array, b: Float32Array): Float32Array {
    return flag[0] === 0 ? b : a;
  }
}

const blocks = /* @__PURE__ */ new Blocks();

/** A kernel for a backend whose tensors `view` gives as arrays, and that makes tensors by `make`. */
function onHost<Backend>(
  view: (backend: Backend, tensor: TensorInfo) => Float32Array,
  make: (backend: Backend, shape: number[]) => TensorInfo,
): Kernel<Backend> {
  return (backend, form, coefficients, { gradient, norm, ...state }, controls) => {
    const { shape } = state.value;
    const kept = Object.keys(state) as (keyof Updated<unknown>)[];
    // Before the views: memory that grows takes them away.
    const made = kept.map(() => make(backend, [...shape]));
    const written = made.map((tensor) => view(backend, tensor));
    const inputs = { gradient, ...state };
    const names = Object.keys(inputs) as (keyof typeof inputs)[];
    const read = names.map((name) => view(backend, inputs[name] as TensorInfo));

    const filled = (number: number) => new Float32Array(BLOCK).fill(number);
    const known = controls && view(backend, controls);
    const dynamic =
      known &&
      withControls(
        coefficients,
        form.overwrites,
        (index) => filled(known[index] as number),
        (_, number) => filled(number),
      );
    const c = dynamic?.scalars ?? mapCoefficients(coefficients, (_, number) => filled(number));
    const old: Record<string, Float32Array> = Object.fromEntries(names.map((name) => [name, new Float32Array(BLOCK)]));
    if (norm) old["norm"] = filled(view(backend, norm)[0] as number);
    const size = read[0]?.length ?? 0;
    for (let from = 0; from < size; from += BLOCK) {
      const to = Math.min(from + BLOCK, size);
      names.forEach((name, i) => {
        old[name]?.set(read[i]?.subarray(from, to) ?? []);
      });
      blocks.restart();
      const arrays = old as unknown as Arrays<Float32Array>;
      const updated = dynamic ? conditionalStep(blocks, form, c, dynamic.flags, arrays) : step(blocks, form, c, arrays);
      kept.forEach((name, i) => {
        written[i]?.set(updated[name]?.subarray(0, to - from) ?? [], from);
      });
    }
    return Object.fromEntries(kept.map((name, i) => [name, made[i]])) as Partial<Updated<TensorInfo>>;
  };
}

/** tfjs' backend in JavaScript. */
interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array): TensorInfo;
}

export const cpu: Kernel<CpuBackend> = onHost(
  (backend, { dataId }) => backend.data.get(dataId).values,
  (backend, shape) => backend.makeTensorInfo(shape, "float32", new Float32Array(sizeOf(shape))),
);

/** tfjs' backend in WebAssembly. */
interface WasmBackend {
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
  makeOutput(shape: number[], dtype: string): TensorInfo;
}

export const wasm: Kernel<WasmBackend> = onHost(
  (backend, tensor) => backend.typedArrayFromHeap(tensor),
  (backend, shape) => backend.makeOutput(shape, "float32"),
);
